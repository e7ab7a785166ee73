#include "record.h"

#include <stdlib.h>
#include <string.h>

static void add_byte(record *r, char byte) {
  if (r->length == r->capacity) {
    r->capacity = r->capacity ? r->capacity * 2 : 256;
    r->text = realloc(r->text, r->capacity);
    if (!r->text) abort();
  }
  r->text[r->length++] = byte;
}

/* The text may move while it grows: where the fields are is known at the end only. */
static void find_fields(record *r) {
  r->fields = realloc(r->fields, r->count * sizeof *r->fields);
  if (!r->fields) abort();
  char *start = r->text;
  for (size_t i = 0; i < r->count; i++) {
    r->fields[i] = start;
    start += strlen(start) + 1;
  }
}

/* Reads what stands between quotes, of which the first is read; false when they are never closed. */
static bool read_quoted(record *r, FILE *in) {
  for (int c; (c = getc(in)) != EOF;) {
    if (c == '"') {
      int next = getc(in);
      if (next != '"') {
        if (next != EOF) ungetc(next, in);
        return true;
      }
    }
    if (c == '\n') r->lines_read++;
    add_byte(r, (char)c);
  }
  return false;
}

/* A CR belongs to the end of the line only when the LF comes next. */
static int next_byte(FILE *in) {
  int c = getc(in);
  if (c != '\r') return c;
  int next = getc(in);
  if (next == '\n' || next == EOF) return next;
  ungetc(next, in);
  return c;
}

static bool fail(record *r, const char *error) {
  r->error = error;
  return false;
}

bool record_read(record *r, FILE *in) {
  r->count = r->length = 0;
  r->error = NULL;
  r->line = r->lines_read + 1;
  int c = next_byte(in);
  if (c == EOF) return false;
  for (;;) {
    bool quoted = c == '"';
    if (quoted) {
      if (!read_quoted(r, in)) return fail(r, "a quote is never closed");
      c = next_byte(in);
      if (c != ',' && c != '\n' && c != EOF) return fail(r, "there is text behind a closing quote");
    }
    for (; c != ',' && c != '\n' && c != EOF; c = next_byte(in)) add_byte(r, (char)c);
    add_byte(r, '\0');
    r->count++;
    if (c != ',') break;
    c = next_byte(in);
  }
  r->lines_read++;
  find_fields(r);
  return true;
}

void record_write_field(FILE *out, const char *field) {
  if (!field[strcspn(field, ",\"\r\n")]) {
    fputs(field, out);
    return;
  }
  putc('"', out);
  for (; *field; field++) {
    if (*field == '"') putc('"', out);
    putc(*field, out);
  }
  putc('"', out);
}

void record_free(record *r) {
  free(r->fields);
  free(r->text);
}
