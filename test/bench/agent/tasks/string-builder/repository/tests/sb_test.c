#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "sb.h"

int main(void) {
  sb b;
  assert(sb_init(&b));
  assert(sb_append(&b, "world", 5));
  assert(sb_insert(&b, 0, "Hello ", 6));
  assert(strcmp(b.text, "Hello world") == 0);
  sb_remove(&b, 5, 100);
  assert(b.length == 5);
  const char *words[] = {"a", "b", "c"};
  assert(sb_join(&b, words, 3, ", "));
  assert(memcmp(b.text, "Helloa, b, c", 12) == 0);
  sb_free(&b);
  puts("sb: all tests pass");
  return 0;
}
