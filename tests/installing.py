"""
Distributions for the tests of plugins: built and installed for real, away from this environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from base64 import urlsafe_b64encode
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]


def build_wheel(project: Path, into: Path) -> Path:
    """
    Build the wheel of a project whose modules are single files, with the standard library only.

    So the tests need neither a build backend nor a network.
    """
    about = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]
    stem = f"{about['name'].replace('-', '_')}-{about['version']}"
    files = {path.name: path.read_bytes() for path in project.glob("mailfailover_*.py")}
    files |= _metadata(f"{stem}.dist-info", about["name"], about["version"])
    files[f"{stem}.dist-info/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    files[f"{stem}.dist-info/entry_points.txt"] = _entry_points(about["entry-points"]).encode()
    records = [f"{name},{_digest(data)},{len(data)}\n" for name, data in files.items()]
    files[f"{stem}.dist-info/RECORD"] = "".join([*records, f"{stem}.dist-info/RECORD,,\n"]).encode()
    wheel = into / f"{stem}-py3-none-any.whl"
    with ZipFile(wheel, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return wheel


def pip_install(wheel: Path, target: Path) -> None:
    """
    Install *wheel* into the directory *target*.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--disable-pip-version-check", "--target", str(target), str(wheel)]
    subprocess.run(command, check=True, timeout=60)


def write_distribution(
    target: Path, name: str, entry_points: str = "", modules: dict[str, str] | None = None
) -> None:
    """
    Put the files of an installed distribution into *target*, as broken as a test needs them.
    """
    files = _metadata(f"{name.replace('-', '_')}-1.0.dist-info", name, "1.0")
    files[f"{name.replace('-', '_')}-1.0.dist-info/entry_points.txt"] = entry_points.encode()
    files |= {f"{module}.py": code.encode() for module, code in (modules or {}).items()}
    for path, data in files.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        (target / path).write_bytes(data)


def run(code: str, target: Path, **environ: str) -> str:
    """
    Return what *code* prints in a new process that has *target* on its path.
    """
    path = os.pathsep.join([str(target), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environ},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout


def _metadata(folder: str, name: str, version: str) -> dict[str, bytes]:
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {f"{folder}/METADATA": text.encode()}


def _entry_points(groups: dict[str, dict[str, str]]) -> str:
    return "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
        for group, entries in groups.items()
    )


def _digest(data: bytes) -> str:
    return "sha256=" + urlsafe_b64encode(sha256(data).digest()).rstrip(b"=").decode()
