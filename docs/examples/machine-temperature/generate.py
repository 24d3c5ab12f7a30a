#!/usr/bin/env python3
"""Temperatures of four machines, a JSON object a line: a reading of each every 30 s, up to 20 s late, around 80 degrees with drift; machine-3
runs hot for a while.

    generate.py [readings [seed]]"""

import json
import random
import sys

readings = int(sys.argv[1]) if len(sys.argv) > 1 else 800
draw = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
START = 1_700_000_000_000
drift = [0.0] * 4
for number in range(readings):
    machine, now = number % 4, START + number // 4 * 30_000
    hot = 9.0 if machine == 3 and readings * 2 // 5 < number < readings * 3 // 5 else 0.0
    drift[machine] = 0.98 * drift[machine] + draw.gauss(0, 0.6)
    celsius = round(80 + drift[machine] + hot + draw.gauss(0, 1.5), 2)
    print(json.dumps({"machine": f"machine-{machine}", "celsius": celsius, "read_at": now - draw.randrange(20_000)}))
