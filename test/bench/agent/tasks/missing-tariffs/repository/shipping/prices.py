"""Prices of docs/tariffs-2026.csv."""

TARIFF = {
    "domestic": [(1000, 490), (5000, 690)],
    "europe": [(1000, 1290), (5000, 1790)],
    "world": [(1000, 2190), (5000, 3990)],
}


def price(zone: str, grams: int) -> int:
    for up_to, cents in TARIFF[zone]:
        if 0 < grams <= up_to:
            return cents
    raise ValueError(f"no parcel of {grams} g")
