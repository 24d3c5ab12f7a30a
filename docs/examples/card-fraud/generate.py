#!/usr/bin/env python3
"""Card payments, a JSON object a line: 40 cards, two payments a second, up to 3 s late; one in a hundred begins a burst of a stolen card.

    generate.py [payments [seed]]"""

import json
import random
import sys

payments = int(sys.argv[1]) if len(sys.argv) > 1 else 600
draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
CITIES = ["Bern", "Lyon", "Oslo", "Porto", "Riga", "Turin"]
START = 1_700_000_000_000
burst = []
for number in range(payments):
    now = START + number * 500
    if burst and draw.random() < 0.3:
        card, city, amount = burst.pop(), draw.choice(CITIES), draw.uniform(200, 2500)
    else:
        card = f"card-{draw.randrange(40):02}"
        city, amount = CITIES[int(card[-2:]) % len(CITIES)], draw.uniform(2, 120)
        if draw.random() < 0.01:
            burst = [card] * draw.randrange(3, 6)
    paid_at = now - draw.randrange(3_000)
    print(json.dumps({"card": card, "city": city, "amount": round(amount, 2), "paid_at": paid_at}))
