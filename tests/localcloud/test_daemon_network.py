"""Each checkout's part of loopback."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fabfile.errors import Unreachable
from fabfile.localcloud.network import FIRST, LAST, Network, claim_network, listening


def test_when_every_network_is_taken_it_says_so(tmp_path: Path) -> None:
    taken = set(range(FIRST, LAST + 1))
    with pytest.raises(Unreachable, match="cannot give the embedded cloud a network: no address"):
        claim_network(tmp_path / "network.json", tmp_path, occupied=lambda: taken)


def test_a_network_is_one_clouds_alone_until_released(tmp_path: Path) -> None:
    first = claim_network(tmp_path / "one.json", tmp_path)
    second = claim_network(tmp_path / "two.json", tmp_path)
    assert first.network != second.network
    second.release()
    first.release()


def test_the_same_checkout_gets_the_same_network_again(tmp_path: Path) -> None:
    first = claim_network(tmp_path / "network.json", tmp_path, occupied=set)
    first.release()
    again = claim_network(tmp_path / "network.json", tmp_path / "moved", occupied=set)
    again.release()
    assert again.network == first.network


@pytest.mark.parametrize("damaged", ["", "{", '{"x": "66"}', '{"x": 1}', "[]"])
def test_a_damaged_memory_is_chosen_anew(tmp_path: Path, damaged: str) -> None:
    memory = tmp_path / "network.json"
    memory.write_text(damaged)
    claim = claim_network(memory, tmp_path)
    claim.release()
    assert FIRST <= claim.network.x <= LAST
    assert str(claim.network.x) in memory.read_text()


def test_a_network_in_which_anything_listens_is_seen() -> None:
    with socket.create_server(("127.240.9.9", 0)):
        assert 240 in listening()
    assert Network(240).cidr == "127.240.0.0/16"
