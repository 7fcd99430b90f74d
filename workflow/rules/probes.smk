# Purpose: what else is shown of a run, where params.yaml asks for it: the first batch of its training,
# and what its weights predict on train and at other image sizes.
# Inputs: results/<experiment>/runs/, data/sets/, data/clean/
# Outputs: results/<experiment>/batches/, results/<experiment>/probes/


rule batch:
    """The first batch of one run's training, with its augmentation; nothing is trained."""
    input:
        images=ancient(lambda w: planned(w).images(w.run)),
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
        start=where_chosen(start_files),
        chosen_weights=where_chosen(weights_files),
    output:
        first="results/{experiment}/batches/{run}.json",
    log:
        "logs/{experiment}/batch/{run}.log",
    benchmark:
        "logs/{experiment}/batch/{run}.tsv"
    conda:
        "../envs/fairtrial.yaml"
    threads: 1
    params:
        settings=lambda w: settings("batch", w.run, w.experiment),
        code=lambda w: PLAN.code("batch", w.run, w.experiment),
    shell:
        "fairtrial batch"
        " --made results/{wildcards.experiment}/made/batch/{wildcards.run}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --images {input.images:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --threads {threads}"
        " --first {output.first:q}"
        " > {log:q} 2>&1"


rule probe:
    """One run's weights once more, on train or at another image size, and their scores."""
    input:
        weights="results/{experiment}/runs/{run}/weights.pt",
        images=ancient(lambda w: planned(w).images(w.run)),
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
        val="results/{experiment}/runs/{run}/predictions/val.json",
        start=where_chosen(start_files),
        chosen_weights=where_chosen(weights_files),
    output:
        scores="results/{experiment}/probes/{run}@{probe}.json",
        predictions="results/{experiment}/probes/{run}@{probe}.predictions.json",
    log:
        "logs/{experiment}/probe/{run}@{probe}.log",
    benchmark:
        "logs/{experiment}/probe/{run}@{probe}.tsv"
    wildcard_constraints:
        probe="train|[0-9]+",
    conda:
        "../envs/fairtrial.yaml"
    threads: 1
    params:
        settings=lambda w: settings("probe", f"{w.run}@{w.probe}", w.experiment),
        code=lambda w: PLAN.code("probe", f"{w.run}@{w.probe}", w.experiment),
    shell:
        "fairtrial probe"
        " --made results/{wildcards.experiment}/made/probe/{wildcards.run}@{wildcards.probe}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --weights {input.weights:q}"
        " --images {input.images:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --val {input.val:q}"
        " --threads {threads}"
        " --scores {output.scores:q}"
        " --predictions {output.predictions:q}"
        " > {log:q} 2>&1"
