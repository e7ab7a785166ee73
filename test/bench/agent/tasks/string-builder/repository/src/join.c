#include <string.h>

#include "sb.h"

bool sb_join(sb *b, const char *const *words, size_t count, const char *separator) {
  for (size_t i = 0; i < count; i++) {
    if (i > 0 && !sb_append(b, separator, strlen(separator))) return false;
    if (!sb_append(b, words[i], strlen(words[i]))) return false;
  }
  return true;
}
