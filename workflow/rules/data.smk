# Purpose: from raw files of a source to clean images, and to data sets with splits.
# Inputs: config/sources/*.yaml, config/datasets/*.yaml
# Outputs: data/raw/, data/clean/, data/sets/


rule download:
    """Download or generate the raw files of one source; the manifest has their SHA-256."""
    input:
        listed=listed,
    output:
        raw=directory("data/raw/{source}"),
        manifest="data/raw/{source}.sha256",
    log:
        "logs/download/{source}.log",
    benchmark:
        "logs/download/{source}.tsv"
    localrule: True
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("download", w.source),
        code=lambda w: PLAN.code("download", w.source),
    shell:
        "fairtrial download"
        " --made data/made/download/{wildcards.source}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --raw {output.raw:q}"
        " --manifest {output.manifest:q}"
        " > {log:q} 2>&1"


# Snakemake takes no checksum of a directory: `ancient` requires only that it exists; the manifest has
# the checksums of its files.
rule convert:
    """Convert one source to the interchange format; report every defect and its action."""
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
    conda:
        "../envs/fairtrial.yaml"
    threads: 2
    params:
        settings=lambda w: settings("convert", w.source),
        code=lambda w: PLAN.code("convert", w.source),
    shell:
        "fairtrial convert"
        " --made data/made/convert/{wildcards.source}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --raw {input.raw:q}"
        " --manifest {input.manifest:q}"
        " --images {output.images:q}"
        " --annotations {output.annotations:q}"
        " --quality {output.quality:q}"
        " --duplicates {output.duplicates:q}"
        " --source-ids {output.source_ids:q}"
        " > {log:q} 2>&1"


# A checkpoint, because Snakemake decides again about later jobs when it has finished: where the new
# split equals the old one, no training starts.
checkpoint split:
    """Make one data set: its classes, and its train, val and test images."""
    input:
        source=lambda w: f"data/clean/{source_of(w.dataset)}/annotations.json",
        duplicates=lambda w: f"data/clean/{source_of(w.dataset)}/duplicates.json",
    output:
        annotations="data/sets/{dataset}/annotations.json",
        certificate="data/sets/{dataset}/split.json",
    log:
        "logs/split/{dataset}.log",
    benchmark:
        "logs/split/{dataset}.tsv"
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("split", w.dataset),
        code=lambda w: PLAN.code("split", w.dataset),
    shell:
        "fairtrial split"
        " --made data/made/split/{wildcards.dataset}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --source {input.source:q}"
        " --duplicates {input.duplicates:q}"
        " --annotations {output.annotations:q}"
        " --certificate {output.certificate:q}"
        " > {log:q} 2>&1"
