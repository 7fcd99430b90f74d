# Purpose: hyperparameter search: workers that train trials, and the ranking of these trials.
# Inputs: data/clean/, data/sets/, checkpoints in data/raw/
# Outputs: results/<experiment>/search/; trials and their journal stand in store/


rule search:
    """One worker of a study: trains trials until the budget is spent."""
    input:
        images=ancient(lambda w: planned(w).images(w.study)),
        annotations=dataset_file("annotations"),
        split=dataset_file("certificate"),
        pretrained=lambda w: current(w).pretrained_manifest(w.study),
        start=start_files,
        first=first_files,
        chosen_weights=weights_files,
        checkpoint=ancient(lambda w: current(w).own_checkpoint(w.study)),
    output:
        done="results/{experiment}/search/{study}/workers/{worker}.json",
    log:
        "logs/{experiment}/search/{study}-{worker}.log",
    benchmark:
        "logs/{experiment}/search/{study}-{worker}.tsv"
    conda:
        "../envs/fairtrial.yaml"
    threads: 1
    resources:
        lost_minutes=5,
    params:
        settings=lambda w: settings("search", w.study, w.experiment),
        code=lambda w: PLAN.code("search", w.study, w.experiment),
        fit=lambda w: PLAN.fitted_by(w.study, w.experiment),
        pretrained=lambda w: current(w).pretrained(w.study),
    shell:
        "fairtrial search"
        " --made results/{wildcards.experiment}/made/search/{wildcards.study}-{wildcards.worker}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --code {params.fit}"
        " --images {input.images:q}"
        " --annotations {input.annotations:q}"
        " --split {input.split:q}"
        " --pretrained {params.pretrained:q}"
        " --first {input.first:q}"
        " --threads {threads}"
        " --lost-minutes {resources.lost_minutes}"
        " --progress logs/{wildcards.experiment}/search/{wildcards.study}.json"
        " --done {output.done:q}"
        " > {log:q} 2>&1"


rule study:
    """Rank the trials of a study by the present fitness."""
    input:
        workers=worker_files,
    output:
        trials="results/{experiment}/search/{study}/trials.csv",
        best="results/{experiment}/search/{study}/best.yaml",
        summary="results/{experiment}/search/{study}/summary.json",
        timings="results/{experiment}/search/{study}/timings.json",
    log:
        "logs/{experiment}/study/{study}.log",
    benchmark:
        "logs/{experiment}/study/{study}.tsv"
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("study", w.study, w.experiment),
        code=lambda w: PLAN.code("study", w.study, w.experiment),
    shell:
        "fairtrial study"
        " --made results/{wildcards.experiment}/made/study/{wildcards.study}.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --workers {input.workers:q}"
        " --trials {output.trials:q}"
        " --best {output.best:q}"
        " --summary {output.summary:q}"
        " --timings {output.timings:q}"
        " > {log:q} 2>&1"
