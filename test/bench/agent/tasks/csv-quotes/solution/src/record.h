#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdio.h>

typedef struct {
  char **fields;
  size_t count;
  char *text; /* what the fields point into */
  size_t length;
  size_t capacity;
  size_t line;       /* on which the record starts, from 1 */
  size_t lines_read; /* so far */
  const char *error; /* what is wrong with the record; NULL when nothing is */
} record;

/* Reads the next record; false at the end of the file, and when it is none, which `error` tells. */
bool record_read(record *r, FILE *in);
void record_write_field(FILE *out, const char *field);
void record_free(record *r);

#endif
