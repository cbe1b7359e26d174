"""Build the wheel, check its top-level names, install it alone and run the demo in an empty folder."""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

NAMES = {"olacore", "teachers", "bench", "cli.py"}
SHIPPED = {".json", ".md", ".py", ".safetensors", ".webp"}


def main(room: Path) -> None:
    """Check the wheel built from the current folder, working in `room`."""
    venv.create(room / "venv", with_pip=True)
    bin_folder = room / "venv" / "bin"
    # Of a copy: another pip may write into this folder at the same time, and what it has built lies in it.
    listed = subprocess.run(["git", "ls-files", "-z"], check=True, capture_output=True, text=True).stdout
    for name in listed.split("\0")[:-1]:
        (room / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(name, room / "source" / name)
    subprocess.run([bin_folder / "pip", "wheel", "--no-deps", "-w", room, room / "source"], check=True)
    (wheel,) = room.glob("*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    names = {file.split("/")[0] for file in files if ".dist-info/" not in file}
    if names != NAMES:
        sys.exit(f"the wheel's top-level names must be {sorted(NAMES)}; they are {sorted(names)}")
    pretrained = [path.as_posix() for path in Path("olacore/pretrained").rglob("*") if path.suffix in SHIPPED]
    page = [path.as_posix() for path in Path("olacore/exports/page").iterdir()]
    sample = [f"olacore/sample/{name}" for name in ("sample.h5", "words.txt", "emoji.txt")]
    templates = [path.as_posix() for path in Path("olacore/exports").glob("*.in")]
    recipes = [path.as_posix() for path in Path("olacore/drawing/recipes").iterdir()]
    for needed in ("olacore/py.typed", *page, *sample, *pretrained, *templates, *recipes):
        if needed not in files:
            sys.exit(f"the wheel lacks {needed}")
    if any(path.suffix == ".py" for path in Path("datasets").rglob("*")):
        sys.exit("datasets/ must hold no .py file: it would shadow a widely used package")
    empty = room / "empty"
    empty.mkdir()
    subprocess.run([bin_folder / "pip", "install", "--quiet", wheel], check=True)
    subprocess.run([bin_folder / "ola", "demo", "--time", "3s"], check=True, cwd=empty)
    for form, modules in (("comfyui", ()), ("diffusers", ("sd15-decoder",))):
        subprocess.run([bin_folder / "ola", "export", *modules, "--to", form, "-o", form], check=True, cwd=empty)
    print("the wheel is as it should be")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
