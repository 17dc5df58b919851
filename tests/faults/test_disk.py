"""Disks without room, and files that are damaged: told in a sentence, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from faults import disk, mount
from faults.damage import damaged

mounted = pytest.mark.skipif(bool(mount.refused()), reason=mount.refused() or "disks can be mounted")


@mounted
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    trials = [trial for fault in (disk.full, disk.inodes) for trial in fault(0, "small", tmp_path)]
    assert len(trials) == 3
    assert [trial for trial in trials if trial.lost] == []


@mounted
def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    trials = list(disk.frozen(0, "small", tmp_path))
    assert len(trials) == 1
    assert [trial for trial in trials if trial.lost] == []


def test_damaged_files_are_found_by_all_that_read_them(tmp_path: Path) -> None:
    trials = list(damaged(0, "small", tmp_path))
    assert len(trials) == 6
    assert [trial for trial in trials if trial.lost] == []
