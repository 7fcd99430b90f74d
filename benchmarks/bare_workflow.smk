# A Snakemake workflow as a person would write it, of as many jobs and files as ours: the same rules'
# outputs, inputs, parameters, logs, benchmarks and the checkpoint, and nothing else. Settings are
# looked up in a dictionary. planning.py compares what planning costs here and there.
import json

with open("settings.json") as file:
    SETTINGS = json.load(file)  # by rule, and by source, data set or run

RUNS = list(SETTINGS["train"])
DATASET = next(iter(SETTINGS["split"]))
SOURCE = next(iter(SETTINGS["convert"]))
CHECKPOINTS = [name for name in SETTINGS["download"] if name != SOURCE]
RESULTS = "results/compare"
RUN = f"{RESULTS}/runs/{{run}}"


def annotations(wildcards):
    return checkpoints.split.get(dataset=DATASET).output["annotations"]


def certificate(wildcards):
    return checkpoints.split.get(dataset=DATASET).output["certificate"]


rule all:
    default_target: True
    input:
        f"{RESULTS}/report.pdf",
    localrule: True


rule download:
    output:
        raw=directory("data/raw/{source}"),
        manifest="data/raw/{source}.sha256",
    log:
        "logs/download/{source}.log",
    benchmark:
        "logs/download/{source}.tsv"
    localrule: True
    params:
        settings=lambda w: SETTINGS["download"][w.source],
        code=SETTINGS["code"],
    shell:
        "mkdir {output.raw} && touch {output} # {params} > {log} 2>&1"


rule convert:
    input:
        raw=ancient("data/raw/{source}"),
        manifest="data/raw/{source}.sha256",
    output:
        images=directory("data/clean/{source}/images"),
        annotations="data/clean/{source}/annotations.json",
        quality="data/clean/{source}/quality.json",
        duplicates="data/clean/{source}/duplicates.json",
        source_ids="data/clean/{source}/source_ids.json",
    log:
        "logs/convert/{source}.log",
    benchmark:
        "logs/convert/{source}.tsv"
    threads: 2
    params:
        settings=lambda w: SETTINGS["convert"][w.source],
        code=SETTINGS["code"],
    shell:
        "mkdir {output.images} && touch {output} # {params} > {log} 2>&1"


checkpoint split:
    input:
        source=f"data/clean/{SOURCE}/annotations.json",
        duplicates=f"data/clean/{SOURCE}/duplicates.json",
    output:
        annotations="data/sets/{dataset}/annotations.json",
        certificate="data/sets/{dataset}/split.json",
    log:
        "logs/split/{dataset}.log",
    benchmark:
        "logs/split/{dataset}.tsv"
    params:
        settings=lambda w: SETTINGS["split"][w.dataset],
        code=SETTINGS["code"],
    shell:
        "touch {output} # {params} > {log} 2>&1"


rule train:
    input:
        images=ancient(f"data/clean/{SOURCE}/images"),
        annotations=annotations,
        split=certificate,
        pretrained=expand("data/raw/{name}.sha256", name=CHECKPOINTS),
    output:
        weights=f"{RUN}/weights.pt",
        record=f"{RUN}/record.json",
        history=f"{RESULTS}/history/{{run}}.csv",
    log:
        "logs/compare/train/{run}.log",
    benchmark:
        "logs/compare/train/{run}.tsv"
    resources:
        lost_minutes=5,
    params:
        settings=lambda w: SETTINGS["train"][w.run],
        code=SETTINGS["code"],
        fit=SETTINGS["code"],
        dataset=DATASET,
        pretrained="",
    shell:
        "touch {output} # {params} > {log} 2>&1"


rule predict:
    input:
        weights=f"{RUN}/weights.pt",
        images=ancient(f"data/clean/{SOURCE}/images"),
        annotations=annotations,
        split=certificate,
    output:
        val=f"{RUN}/predictions/val.json",
        test=f"{RUN}/predictions/test.json",
        speed=f"{RUN}/speed.json",
    log:
        "logs/compare/predict/{run}.log",
    benchmark:
        "logs/compare/predict/{run}.tsv"
    params:
        settings=lambda w: SETTINGS["predict"][w.run],
        code=SETTINGS["code"],
    shell:
        "touch {output} # {params} > {log} 2>&1"


rule validate:
    input:
        annotations=annotations,
        split=certificate,
        val=f"{RUN}/predictions/val.json",
        test=f"{RUN}/predictions/test.json",
    output:
        metrics=f"{RUN}/metrics.json",
        per_class=f"{RUN}/per_class.csv",
        curves=f"{RUN}/curves.csv",
        confusion=f"{RUN}/confusion.csv",
        operating_points=f"{RUN}/operating_points.csv",
        calibration=f"{RUN}/calibration.csv",
        resamples=f"{RUN}/resamples.npz",
        error_kinds=f"{RUN}/error_kinds.csv",
        by_size=f"{RUN}/by_size.csv",
        by_group=f"{RUN}/by_group.csv",
        class_curves=f"{RUN}/class_curves.csv",
    log:
        "logs/compare/validate/{run}.log",
    benchmark:
        "logs/compare/validate/{run}.tsv"
    params:
        settings=lambda w: SETTINGS["validate"][w.run],
        code=SETTINGS["code"],
    shell:
        "touch {output} # {params} > {log} 2>&1"


rule plot:
    input:
        metrics=expand(f"{RUN}/metrics.json", run=RUNS),
        per_class=expand(f"{RUN}/per_class.csv", run=RUNS),
        curves=expand(f"{RUN}/curves.csv", run=RUNS),
        confusion=expand(f"{RUN}/confusion.csv", run=RUNS),
        points=expand(f"{RUN}/{{of}}.csv", run=RUNS, of=("operating_points", "calibration")),
        resamples=expand(f"{RUN}/resamples.npz", run=RUNS),
        breakdowns=expand(f"{RUN}/{{of}}.csv", run=RUNS, of=("error_kinds", "class_curves")),
        records=expand(f"{RUN}/record.json", run=RUNS),
        history=expand(f"{RESULTS}/history/{{run}}.csv", run=RUNS),
        predictions=expand(f"{RUN}/predictions/test.json", run=RUNS),
        speed=expand(f"{RUN}/speed.json", run=RUNS),
        sets=lambda w: [annotations(w), certificate(w)],
    output:
        figures=directory(f"{RESULTS}/figures"),
        manifest=f"{RESULTS}/figures.json",
        pictures=f"{RESULTS}/pictures.json",
    log:
        "logs/compare/plot.log",
    benchmark:
        "logs/compare/plot.tsv"
    params:
        settings="@.snakemake/settings-of-plot.json",
        code=SETTINGS["code"],
    shell:
        "mkdir {output.figures} && touch {output} # {params} > {log} 2>&1"


rule report:
    input:
        figures=f"{RESULTS}/figures.json",
        pictures=f"{RESULTS}/pictures.json",
        metrics=expand(f"{RUN}/metrics.json", run=RUNS),
        per_class=expand(f"{RUN}/per_class.csv", run=RUNS),
        points=expand(f"{RUN}/{{of}}.csv", run=RUNS, of=("operating_points", "calibration")),
        resamples=expand(f"{RUN}/resamples.npz", run=RUNS),
        breakdowns=expand(
            f"{RUN}/{{of}}.csv", run=RUNS, of=("error_kinds", "by_size", "by_group")
        ),
        records=expand(f"{RUN}/record.json", run=RUNS),
        history=expand(f"{RESULTS}/history/{{run}}.csv", run=RUNS),
        predictions=expand(f"{RUN}/predictions/test.json", run=RUNS),
        speed=expand(f"{RUN}/speed.json", run=RUNS),
        weights=expand(f"{RUN}/weights.pt", run=RUNS),
        sets=lambda w: [annotations(w), certificate(w)],
        quality=f"data/clean/{SOURCE}/quality.json",
    output:
        pdf=f"{RESULTS}/report.pdf",
        html=f"{RESULTS}/report.html",
        metrics=f"{RESULTS}/metrics.json",
        comparison=f"{RESULTS}/comparison.csv",
        runs=f"{RESULTS}/runs.csv",
        markdown=f"{RESULTS}/comparison.md",
        latex=f"{RESULTS}/comparison.tex",
        answer=f"{RESULTS}/answer.txt",
        history_plot=f"{RESULTS}/plots/history.csv",
        calibration_plot=f"{RESULTS}/plots/calibration.csv",
        classes_plot=f"{RESULTS}/plots/classes.csv",
        confusion_plot=f"{RESULTS}/plots/confusion.csv",
        winner=f"{RESULTS}/winner.pt",
        facts=f"{RESULTS}/winner.json",
        card=f"{RESULTS}/winner.md",
    log:
        "logs/compare/report.log",
    benchmark:
        "logs/compare/report.tsv"
    localrule: True
    params:
        settings="@.snakemake/settings-of-report.json",
        code=SETTINGS["code"],
    shell:
        "touch {output} # {params} > {log} 2>&1"
