"""SSH into the embedded cloud's machines: one server process for all, on each machine's address.

In: lines of JSON on standard input that add and remove machines. Out: sessions in the machines. Never: accepts a
password, a key other than the one in the state folder, or an address beyond loopback.
"""

PORT = 2222
