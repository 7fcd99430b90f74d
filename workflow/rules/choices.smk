# Purpose: what others begin with: the best configuration of an experiment, or a trial of a study.
# Inputs: results/<experiment>/runs/, results/<experiment>/search/, data/sets/
# Outputs: results/<experiment>/choices/


# A checkpoint, like split: where the choice is the same as before, nothing that begins with it runs.
checkpoint choose:
    """Choose the configuration or trial with whose settings others begin."""
    input:
        scores=chosen_from("metrics.json", "resamples.npz"),
        records=chosen_from("record.json", single_too=True),
        trained=chosen_from("weights.pt", single_too=True),
        sets=chosen_from_sets,
        workers=chosen_from_workers,
        start=start_files,
        checkpoint=weights_files,
    output:
        start="results/{experiment}/choices/{choice}/start.json",
        weights="results/{experiment}/choices/{choice}/weights.json",
        verdict="results/{experiment}/choices/{choice}/verdict.json",
    log:
        "logs/{experiment}/choose/{choice}.log",
    benchmark:
        "logs/{experiment}/choose/{choice}.tsv"
    localrule: True
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("choose", w.choice, w.experiment),
        code=lambda w: PLAN.code("choose", w.choice, w.experiment),
    shell:
        "fairtrial choose"
        " --made results/{wildcards.experiment}/made/choose/{wildcards.choice}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --results results/{wildcards.experiment}"
        " --data data"
        " --scores {input.scores:q}"
        " --records {input.records:q}"
        " --trained {input.trained:q}"
        " --workers {input.workers:q}"
        " --start {output.start:q}"
        " --weights {output.weights:q}"
        " --verdict {output.verdict:q}"
        " > {log:q} 2>&1"
