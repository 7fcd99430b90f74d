# Purpose: runs whose predictions were made elsewhere, so that nothing is trained for them.
# Inputs: data/raw/, data/clean/, data/sets/
# Outputs: results/<experiment>/runs/


rule receive:
    """Take predictions that were made elsewhere for those of one run."""
    input:
        manifests=lambda w: planned(w).prediction_manifests(w.run),
        source_ids=lambda w: planned(w).source_ids(w.run),
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
    output:
        val="results/{experiment}/runs/{run}/predictions/val.json",
        test="results/{experiment}/runs/{run}/predictions/test.json",
        record="results/{experiment}/runs/{run}/record.json",
    log:
        "logs/{experiment}/receive/{run}.log",
    benchmark:
        "logs/{experiment}/receive/{run}.tsv"
    wildcard_constraints:
        run=PLAN.pattern(elsewhere=True),
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("receive", w.run, w.experiment),
        code=lambda w: PLAN.code("receive", w.run, w.experiment),
        dataset=lambda w: planned(w).runs[w.run].dataset,
    shell:
        "fairtrial receive"
        " --made results/{wildcards.experiment}/made/receive/{wildcards.run}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --run {wildcards.run:q}"
        " --dataset {params.dataset:q}"
        " --raw data/raw"
        " --source-ids {input.source_ids:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --val {output.val:q}"
        " --test {output.test:q}"
        " --record {output.record:q}"
        " > {log:q} 2>&1"
