# Purpose: the metrics of every run, from its predictions.
# Inputs: data/sets/, results/<experiment>/runs/<run>/predictions/
# Outputs: results/<experiment>/runs/


rule validate:
    """Score the predictions of one run; no GPU and no code of its backend."""
    input:
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
        val="results/{experiment}/runs/{run}/predictions/val.json",
        test="results/{experiment}/runs/{run}/predictions/test.json",
        start=where_chosen(start_files),
        chosen_weights=where_chosen(weights_files),
    output:
        metrics="results/{experiment}/runs/{run}/metrics.json",
        per_class="results/{experiment}/runs/{run}/per_class.csv",
        curves="results/{experiment}/runs/{run}/curves.csv",
        confusion="results/{experiment}/runs/{run}/confusion.csv",
        operating_points="results/{experiment}/runs/{run}/operating_points.csv",
        calibration="results/{experiment}/runs/{run}/calibration.csv",
        resamples="results/{experiment}/runs/{run}/resamples.npz",
        error_kinds="results/{experiment}/runs/{run}/error_kinds.csv",
        by_size="results/{experiment}/runs/{run}/by_size.csv",
        by_group="results/{experiment}/runs/{run}/by_group.csv",
        class_curves="results/{experiment}/runs/{run}/class_curves.csv",
    log:
        "logs/{experiment}/validate/{run}.log",
    benchmark:
        "logs/{experiment}/validate/{run}.tsv"
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("validate", w.run, w.experiment),
        code=lambda w: PLAN.code("validate", w.run, w.experiment),
    shell:
        "fairtrial validate"
        " --made results/{wildcards.experiment}/made/validate/{wildcards.run}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --val {input.val:q}"
        " --test {input.test:q}"
        " --metrics {output.metrics:q}"
        " --per-class {output.per_class:q}"
        " --curves {output.curves:q}"
        " --confusion {output.confusion:q}"
        " --operating-points {output.operating_points:q}"
        " --calibration {output.calibration:q}"
        " --resamples {output.resamples:q}"
        " --error-kinds {output.error_kinds:q}"
        " --by-size {output.by_size:q}"
        " --by-group {output.by_group:q}"
        " --class-curves {output.class_curves:q}"
        " > {log:q} 2>&1"
