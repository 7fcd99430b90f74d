"""Stand-ins for stages, so that hundreds of jobs run in seconds.

On PYTHONPATH of a test, this is loaded by every `fairtrial <stage>` before the stage is. A stage
named in STUB_STAGES writes its outputs from nothing but its inputs and settings; every stage,
stand-in or not, adds a line to STUB_LOG, to STUB_PLACES one that also tells the SLURM job, the
partition and the GPU in which it ran, and to STUB_LENGTHS the length of its command. A stage named
in STUB_FAIL fails; one that is a file in the folder STUB_FAIL_ONCE removes the file and fails.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

INPUTS = {
    "download": (),
    "convert": ("manifest",),
    "split": ("source", "duplicates"),
    "train": ("annotations", "split"),
    "predict": ("weights", "annotations", "split"),
    "validate": ("annotations", "split", "val", "test"),
    "choose": ("records",),
    "batch": ("annotations", "split"),
    "probe": ("weights", "annotations", "split", "val"),
    "plot": (),
    "report": ("figures", "pictures"),
}
FOLDERS = {"download": "raw", "convert": "images", "plot": "figures"}
SEVERAL = {}
NOT_OUTPUTS = {
    "made",
    "job_code",
    "settings",
    "code",
    "pretrained",
    "progress",
    "run",
    "dataset",
    "continues",
    "threads",
    "results",
    "data",
    "images",
    "raw",
    "scores",
    "trained",
    "start",
    "chosen_weights",
    "lost_minutes",
    "workers",
}


def flags(arguments):
    """The value of each flag; of one with several, they stand in SEVERAL too."""
    values = {}
    for argument in arguments:
        if argument.startswith("--"):
            name = argument[2:].replace("-", "_")
            values[name] = ""
            SEVERAL[name] = []
        else:
            values[name] = argument
            SEVERAL[name].append(argument)
    return values


def log(stage, values):
    named = values.get("weights") or values.get("val") or values.get("metrics") or ""
    if stage == "validate":
        named = values["metrics"]
    parts = Path(named).parts
    name = parts[3] if len(parts) > 4 else Path(values.get("annotations", "")).parent.name
    line = (
        f"{stage} {name}".strip()
        if stage not in ("plot", "report", "download", "choose")
        else stage
    )
    with Path(os.environ["STUB_LOG"]).open("a") as file:
        file.write(line + "\n")
    if "STUB_LENGTHS" in os.environ:  # of the shell's command, which holds that of the stage
        shell = Path(f"/proc/{os.getppid()}/cmdline").read_bytes()
        with Path(os.environ["STUB_LENGTHS"]).open("a") as file:
            file.write(f"{max(len(shell), len(' '.join(sys.orig_argv)))}\n")
    names = ("SLURM_JOB_ID", "SLURM_JOB_PARTITION", "CUDA_VISIBLE_DEVICES")
    if "STUB_PLACES" in os.environ:
        with Path(os.environ["STUB_PLACES"]).open("a") as file:
            file.write(json.dumps([line, *(os.environ.get(name) for name in names)]) + "\n")


def fails(stage):
    once = Path(os.environ.get("STUB_FAIL_ONCE", "/nonexistent"), stage)
    if once.is_file():
        once.unlink()
        return True
    return stage in os.environ.get("STUB_FAIL", "").split(",")


def content(stage, values):
    """What a stage's result depends on; `convert` and `split` also have equal results."""
    settings = json.loads(values["settings"])
    settings.pop("equal", None)
    parts = [settings if stage != "download" else settings["settings"].get("seed")]
    parts += [Path(path).read_text() for name in INPUTS[stage] for path in SEVERAL[name]]
    return json.dumps(parts, sort_keys=True)


def run(stage, values):
    text = hashlib.sha256(content(stage, values).encode()).hexdigest()
    folder = FOLDERS.get(stage, "")
    if folder:
        Path(values[folder]).mkdir(parents=True, exist_ok=True)
        Path(values[folder], "file").write_text(text)
    inputs = set(INPUTS[stage]) | NOT_OUTPUTS
    if stage == "choose":
        inputs.remove("start")  # which it writes, and others read
    written = []
    for name, path in values.items():
        if name not in inputs and name != folder:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(content_of(stage, name, values, text) + "\n")
            written.append(path)
    if "made" in values:
        write_record(stage, values, written)


def write_record(stage, values, written):
    """What the real stage would write of itself."""
    record = {
        "stage": stage,
        "settings_sha256": hashlib.sha256(values["settings"].encode()).hexdigest(),
        "code": values["job_code"],
        "inputs": sums(path for name in INPUTS[stage] for path in SEVERAL[name]),
        "outputs": sums(written),
    }
    Path(values["made"]).parent.mkdir(parents=True, exist_ok=True)
    Path(values["made"]).write_text(json.dumps(record))


def sums(paths):
    return {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}


def content_of(stage, name, values, text):
    """What a stand-in writes. Readers of recorded results get what they can read: a detection
    whose place depends on the inputs, the time of an image, and the names of the runs."""
    part = int(text[:4], 16) / 2**16  # 0..1, from the inputs
    if stage == "predict" and name in ("val", "test"):
        split = json.loads(Path(values["split"]).read_text())
        box = {"bbox": [1, 1, 20 + 20 * part, 20], "score": 0.5, "category_id": 1}
        return json.dumps([box | {"image_id": i} for i in split.get(name, [])])
    if name == "speed":
        how = {"device": "cpu", "precision": "fp32", "threads": 1, "imgsz": 96, "images": 100}
        how |= {"batch": 1, "unit": "ms", "parts": {"inference": part}}
        return json.dumps(how | {"median": part, "q1": part, "q3": part})
    if stage == "choose":
        return json.dumps({"start": chosen, "weights": weights}.get(name, dict)())
    if stage == "report" and name == "winner":
        run = json.loads(values["settings"])["runs"][0]
        return Path(values["winner"]).parent.joinpath("runs", run, "weights.pt").read_text()
    if stage == "report" and name == "facts":
        return json.dumps(won(values))
    if stage == "report" and name == "runs":
        return "\n".join(["run", *json.loads(values["settings"])["runs"]])
    return json.dumps({"stage": stage, "content": text})


def won(values):
    """That the first run is the winner."""
    run = json.loads(values["settings"])["runs"][0]
    described = {"configuration": "a", "label": "a", "seed": 0, "value": 0.5, "name": run}
    described["weights_sha256"] = sums([values["winner"]])[values["winner"]]
    verdict = {"metric": "AP", "split": "val", "value": 0.5, "told": None, "details": ""}
    verdict |= {"headline": f"{run} is best.", "compared": []}
    facts = {"experiment": Path(values["winner"]).parent.name, "title": "t", "question": ""}
    return facts | {"problem": "", "licence": None, "verdict": verdict, "run": described}


def chosen():
    """The run with the highest lr0."""
    records = [json.loads(Path(path).read_text()) for path in SEVERAL["records"]]
    best = max(records, key=lambda record: record["settings"]["lr0"])
    own = ("dataset", "seed", "replicate", "train_share", "fitness")
    settings = {key: value for key, value in best["settings"].items() if key not in own}
    experiment = Path(SEVERAL["records"][0]).parts[1]
    what = {"experiment": experiment, "name": best["configuration"], "trial": None}
    return what | {"backend": best["backend"], "settings": settings}


def weights():
    """Those of its runs."""
    start = chosen()
    found = []
    for path in SEVERAL["trained"]:
        record = json.loads(Path(path).with_name("record.json").read_text())
        if record["configuration"] == start["name"]:
            total = sums([path])[path]
            found.append({k: record[k] for k in ("run", "dataset", "seed")} | {"sha256": total})
    return {"experiment": start["experiment"], "runs": found}


def calls_fairtrial():
    """Whether this process is the command: `<python> <folder>/fairtrial <subcommand> …`."""
    return len(sys.orig_argv) > 1 and Path(sys.orig_argv[1]).name == "fairtrial"


def main():
    if not calls_fairtrial() or len(sys.orig_argv) < 3 or sys.orig_argv[2] not in INPUTS:
        return
    stage, *rest = sys.orig_argv[2:]
    values = flags(rest)
    if values["settings"].startswith("@"):
        values["settings"] = Path(values["settings"][1:]).read_text()
    log(stage, values)
    if fails(stage):
        print(f"stub: {stage} fails as it was told to", file=sys.stderr)
        os._exit(1)
    if stage in os.environ["STUB_STAGES"].split(","):
        run(stage, values)
        os._exit(0)


def refuse_network(record):
    """Every connection but one within the machine fails, and is written down."""
    import socket

    def refuse(self, address, *rest):
        if self.family != socket.AF_UNIX:
            with Path(record).open("a") as file:
                file.write(f"{sys.orig_argv[:5]} {address}\n")
        raise OSError(101, "the network is switched off in this test")

    def lookup(host, *rest, **more):
        if host not in (None, "localhost", "127.0.0.1"):
            with Path(record).open("a") as file:
                file.write(f"{sys.orig_argv[:5]} lookup {host}\n")
        raise socket.gaierror("the network is switched off in this test")

    socket.socket.connect = socket.socket.connect_ex = refuse
    socket.getaddrinfo = lookup


if "STUB_OFFLINE" in os.environ and calls_fairtrial():
    refuse_network(os.environ["STUB_OFFLINE"])
if "STUB_LOG" in os.environ:
    main()


def look_often():
    """Snakemake looks at SLURM's jobs ever more rarely, up to minutes apart; a test cannot wait."""
    import asyncio

    sleep = asyncio.sleep
    asyncio.sleep = lambda seconds, *rest: sleep(min(seconds, 1), *rest)


if "STUB_HURRY" in os.environ and any(a.endswith("/snakemake") for a in sys.orig_argv):
    look_often()
