#include <stdlib.h>

#include "record.h"

#define COLUMNS_MAX 64

static size_t parse_columns(const char *list, size_t *columns) {
  size_t count = 0;
  for (char *end; count < COLUMNS_MAX; list = end + 1) {
    long column = strtol(list, &end, 10);
    if (end == list || column < 1) return 0;
    columns[count++] = (size_t)column;
    if (*end == '\0') return count;
    if (*end != ',') return 0;
  }
  return 0;
}

int main(int argc, char **argv) {
  size_t columns[COLUMNS_MAX];
  size_t count = argc == 2 ? parse_columns(argv[1], columns) : 0;
  if (count == 0) {
    fputs("usage: csvcut COLUMN[,COLUMN...] < in.csv\n", stderr);
    return 2;
  }
  record r = {0};
  while (record_read(&r, stdin)) {
    for (size_t i = 0; i < count; i++) {
      if (i > 0) putchar(',');
      if (columns[i] <= r.count) record_write_field(stdout, r.fields[columns[i] - 1]);
    }
    putchar('\n');
  }
  record_free(&r);
  return 0;
}
