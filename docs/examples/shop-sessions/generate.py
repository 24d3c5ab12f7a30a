#!/usr/bin/env python3
"""Events of a web shop, a JSON object a line: 30 visitors who come and go, look at things, put some into the cart and buy some of those.

    generate.py [events [seed]]"""

import json
import random
import sys

events = int(sys.argv[1]) if len(sys.argv) > 1 else 600
draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
START = 1_700_000_000_000
cart, now = {}, START
for _ in range(events):
    now += draw.randrange(40_000)
    # A few are busy for a time, then others are.
    visitor = f"visitor-{(now // 3_600_000 * 7 + draw.randrange(6)) % 30:02}"
    chance, price = draw.random(), None
    if visitor in cart and chance < 0.25:
        event, price = "purchase", cart.pop(visitor)
    elif chance < 0.35:
        event, price = "cart", round(draw.uniform(5, 200), 2)
        cart[visitor] = price
    else:
        event = "view"
    print(json.dumps({"visitor": visitor, "event": event, "price": price, "seen_at": now - draw.randrange(60_000)}))
