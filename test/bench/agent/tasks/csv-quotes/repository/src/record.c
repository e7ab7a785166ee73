#include "record.h"

#include <stdlib.h>
#include <string.h>

static void add_field(record *r, char *field) {
  r->fields = realloc(r->fields, (r->count + 1) * sizeof *r->fields);
  if (!r->fields) abort();
  r->fields[r->count++] = field;
}

bool record_read(record *r, FILE *in) {
  ssize_t length = getline(&r->line, &r->capacity, in);
  if (length < 0) return false;
  if (length > 0 && r->line[length - 1] == '\n') r->line[--length] = '\0';
  if (length > 0 && r->line[length - 1] == '\r') r->line[--length] = '\0';
  r->count = 0;
  char *start = r->line;
  for (char *comma; (comma = strchr(start, ',')); start = comma + 1) {
    *comma = '\0';
    add_field(r, start);
  }
  add_field(r, start);
  return true;
}

void record_write_field(FILE *out, const char *field) { fputs(field, out); }

void record_free(record *r) {
  free(r->fields);
  free(r->line);
}
