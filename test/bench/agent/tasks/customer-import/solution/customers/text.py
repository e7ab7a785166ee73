"""Texts as we keep them."""

import unicodedata


def composed(text: str) -> str:
    """One way of writing each letter: Macs write an umlaut as two characters."""
    return unicodedata.normalize("NFC", text)
