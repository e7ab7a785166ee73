from .prices import TARIFF, price

__all__ = ["TARIFF", "price"]
