#!/usr/bin/env python3
"""Orders, and the customers who place them as they come, move, rise and leave, a JSON object a line.

    generate.py orders [count [seed]]
    generate.py customers [count [seed]]    over the time of so many orders

A line of the customers is a key, a tab and a row; nothing after the tab removes the key's row."""

import json
import random
import sys

what = sys.argv[1] if len(sys.argv) > 1 else "orders"
orders = int(sys.argv[2]) if len(sys.argv) > 2 else 400
draw = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
START = 1_700_000_000_000
NAMES = ["Ada", "Ben", "Cleo", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun", "Kim", "Lou"]
CITIES = ["Basel", "Lyon", "Porto", "Turku"]
TIERS = ["bronze", "silver", "gold"]


def put(row, gone=False):
    print(json.dumps({"k": row["k"]}) + "\t" + ("" if gone else json.dumps(row)))


if what == "orders":
    now = START
    for number in range(orders):
        now += draw.randrange(6_000)
        print(json.dumps({
            "order_id": number,
            "customer_id": f"c{draw.randrange(len(NAMES) + 1):02}",
            "amount": round(draw.uniform(5, 300), 2),
            "placed_at": now - draw.randrange(10_000),
        }))
else:
    now, known = START - 60_000, {}
    while now < START + orders * 3_000:
        at = draw.randrange(len(NAMES))
        row = known.get(at)
        if row is None:
            row = {"k": f"c{at:02}", "name": NAMES[at], "city": draw.choice(CITIES), "tier": TIERS[0]}
        elif draw.random() < 0.5:
            row = {**row, "city": draw.choice(CITIES)}
        else:
            row = {**row, "tier": draw.choice(TIERS)}
        row["updated_at"] = now
        known[at] = row
        put(row)
        if draw.random() < 0.08:
            put(known.pop(at), gone=True)
        now += draw.randrange(1, 45_000)
