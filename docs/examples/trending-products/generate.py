#!/usr/bin/env python3
"""Purchases in a web shop, a JSON object a line: 40 products, of which now these and then those are asked for.

    generate.py [purchases [seed]]"""

import json
import random
import sys

purchases = int(sys.argv[1]) if len(sys.argv) > 1 else 800
draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
START = 1_700_000_000_000
CATEGORIES = ["books", "games", "garden", "kitchen"]
PRICES = [round(draw.uniform(3, 90), 2) for _ in range(40)]
now = START
for _ in range(purchases):
    now += draw.randrange(9_000)
    # Every twenty minutes some others are in fashion.
    product = draw.randrange(40) if draw.random() < 0.6 else (now // 1_200_000 * 7 + draw.randrange(4)) % 40
    print(json.dumps({
        "product": f"product-{product:02}",
        "category": CATEGORIES[product % 4],
        "quantity": draw.choice([1, 1, 1, 2, 3]),
        "price": PRICES[product],
        "sold_at": now - draw.randrange(10_000),
    }))
