#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sb.h"

static void same(const sb *b, const char *expected) {
  assert(b->length == strlen(expected));
  assert(strcmp(b->text, expected) == 0);
  assert(b->capacity > b->length);
}

int main(void) {
  /* Every length around each growth. */
  for (size_t n = 1; n < 70; n++) {
    sb b;
    char expected[80] = "";
    assert(sb_init(&b));
    for (size_t i = 0; i < n; i++) {
      assert(sb_append(&b, "x", 1));
      strcat(expected, "x");
      same(&b, expected);
    }
    sb_free(&b);
    assert(sb_init(&b) && sb_insert(&b, 0, expected, n));
    same(&b, expected);
    sb_free(&b);
  }

  /* Its own text, with and without growth. */
  sb b;
  assert(sb_init(&b));
  assert(sb_append(&b, "abcdefghij", 10));
  assert(sb_append(&b, b.text + 2, 8));
  same(&b, "abcdefghijcdefghij");
  assert(sb_insert(&b, 1, b.text, 3));
  same(&b, "aabcbcdefghijcdefghij");
  assert(sb_insert(&b, 2, b.text + 1, 4));
  same(&b, "aaabcbbcbcdefghijcdefghij");
  assert(sb_append(&b, b.text, b.length));
  same(&b, "aaabcbbcbcdefghijcdefghijaaabcbbcbcdefghijcdefghij");

  /* The end moves with what is removed. */
  sb_remove(&b, 5, SIZE_MAX);
  same(&b, "aaabc");
  sb_remove(&b, 0, 2);
  same(&b, "abc");
  sb_remove(&b, 1, SIZE_MAX - 1);
  same(&b, "a");
  assert(!sb_insert(&b, 2, "x", 1));
  same(&b, "a");

  /* Too much for any memory: nothing changes. */
  assert(!sb_append(&b, "x", SIZE_MAX));
  assert(!sb_append(&b, "x", SIZE_MAX - 1));
  assert(!sb_insert(&b, 0, "x", SIZE_MAX - 1));
  same(&b, "a");
  assert(sb_append(&b, "", 0) && sb_insert(&b, 1, "", 0));
  same(&b, "a");
  sb_free(&b);
  puts("hidden: all tests pass");
  return 0;
}
