# Purpose: every run of the experiment: training and predictions.
# Inputs: data/clean/, data/sets/, checkpoints in data/raw/
# Outputs: results/<experiment>/runs/, results/<experiment>/history/


rule train:
    """Train one run, or take it from the store where an equal one is finished."""
    input:
        images=ancient(of_run(lambda e, run: e.images(run))),
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
        pretrained=of_run(lambda e, run: e.pretrained_manifest(run), current),
        checkpoint=ancient(of_run(lambda e, run: e.own_checkpoint(run), current)),
        continues=of_run(lambda e, run: e.continued(run)),
        start=where_chosen(start_files),
        chosen_weights=where_chosen(weights_files),
    output:
        weights="results/{experiment}/runs/{run}/weights.pt",
        record="results/{experiment}/runs/{run}/record.json",
        history="results/{experiment}/history/{run}.csv",
    log:
        "logs/{experiment}/train/{run}.log",
    benchmark:
        "logs/{experiment}/train/{run}.tsv"
    wildcard_constraints:
        run=PLAN.pattern(elsewhere=False),
    conda:
        "../envs/fairtrial.yaml"
    threads: 1
    resources:
        lost_minutes=5,
    params:
        settings=lambda w: settings("train", w.run, w.experiment),
        code=lambda w: PLAN.code("train", w.run, w.experiment),
        fit=of_run(lambda e, run: PLAN.fitted_by(run, e.name)),
        dataset=of_run(lambda e, run: e.runs[run].dataset),
        pretrained=of_run(lambda e, run: e.pretrained(run), current),
    shell:
        "fairtrial train"
        " --made results/{wildcards.experiment}/made/train/{wildcards.run}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --run {wildcards.run:q}"
        " --dataset {params.dataset:q}"
        " --code {params.fit}"
        " --images {input.images:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --pretrained {params.pretrained:q}"
        " --continues {input.continues:q}"
        " --start {input.start:q}"
        " --chosen-weights {input.chosen_weights:q}"
        " --threads {threads}"
        " --lost-minutes {resources.lost_minutes}"
        " --progress logs/{wildcards.experiment}/train/{wildcards.run}.json"
        " --weights {output.weights:q}"
        " --record {output.record:q}"
        " --history {output.history:q}"
        " > {log:q} 2>&1"


rule predict:
    """The predictions of one run on val and test, and the time that an image takes."""
    input:
        weights="results/{experiment}/runs/{run}/weights.pt",
        images=ancient(of_run(lambda e, run: e.images(run))),
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
        start=where_chosen(start_files),
        chosen_weights=where_chosen(weights_files),
    output:
        val="results/{experiment}/runs/{run}/predictions/val.json",
        test="results/{experiment}/runs/{run}/predictions/test.json",
        speed="results/{experiment}/runs/{run}/speed.json",
    log:
        "logs/{experiment}/predict/{run}.log",
    benchmark:
        "logs/{experiment}/predict/{run}.tsv"
    wildcard_constraints:
        run=PLAN.pattern(elsewhere=False),
    conda:
        "../envs/fairtrial.yaml"
    threads: 1
    params:
        settings=lambda w: settings("predict", w.run, w.experiment),
        code=lambda w: PLAN.code("predict", w.run, w.experiment),
    shell:
        "fairtrial predict"
        " --made results/{wildcards.experiment}/made/predict/{wildcards.run}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --weights {input.weights:q}"
        " --images {input.images:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --threads {threads}"
        " --val {output.val:q}"
        " --test {output.test:q}"
        " --speed {output.speed:q}"
        " > {log:q} 2>&1"
