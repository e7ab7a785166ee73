#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stdio.h>

typedef struct {
  char **fields;
  size_t count;
  char *line; /* what the fields point into */
  size_t capacity;
} record;

/* Reads the next record; false at the end of the file. */
bool record_read(record *r, FILE *in);
void record_write_field(FILE *out, const char *field);
void record_free(record *r);

#endif
