# Purpose: the figures and the report of one experiment.
# Inputs: results/<experiment>/runs/, results/<experiment>/history/, data/sets/, data/clean/
# Outputs: results/<experiment>/figures/, pictures.json, report.pdf, report.html, metrics.json, tables, plots


rule plot:
    """Draw every figure of the experiment; the manifest lists them with their captions."""
    input:
        metrics=per_run("results/{experiment}/runs/{run}/metrics.json"),
        per_class=per_run("results/{experiment}/runs/{run}/per_class.csv"),
        curves=per_run("results/{experiment}/runs/{run}/curves.csv"),
        confusion=per_run("results/{experiment}/runs/{run}/confusion.csv"),
        points=tables_per_run("operating_points", "calibration"),
        resamples=per_run("results/{experiment}/runs/{run}/resamples.npz"),
        breakdowns=tables_per_run("error_kinds", "class_curves"),
        records=per_run("results/{experiment}/runs/{run}/record.json"),
        history=per_trained("results/{experiment}/history/{run}.csv"),
        predictions=per_run("results/{experiment}/runs/{run}/predictions/test.json"),
        speed=per_trained("results/{experiment}/runs/{run}/speed.json"),
        probes=probe_files(".json", ".predictions.json"),
        batches=batch_files,
        sets=dataset_files,
        studies=study_files,
        choices=choice_files("start", "weights"),
    output:
        figures=shareable_report(
            directory("results/{experiment}/figures"),
            caption="../report/figure.rst",
            category="{experiment}",
            subcategory="Figures",
            patterns=["{figure}.svg"],
            labels={"figure": "{figure}"},
        ),
        manifest="results/{experiment}/figures.json",
        pictures="results/{experiment}/pictures.json",
    log:
        "logs/{experiment}/plot.log",
    benchmark:
        "logs/{experiment}/plot.tsv"
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("plot", experiment=w.experiment),
        code=lambda w: PLAN.code("plot", experiment=w.experiment),
    shell:
        "fairtrial plot"
        " --made results/{wildcards.experiment}/made/plot.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --results results/{wildcards.experiment}"
        " --data data"
        " --figures {output.figures:q}"
        " --manifest {output.manifest:q}"
        " --pictures {output.pictures:q}"
        " > {log:q} 2>&1"


rule report:
    """Write the PDF, the page, the tables to paste, and the metrics that DVC reads."""
    input:
        figures="results/{experiment}/figures.json",
        pictures="results/{experiment}/pictures.json",
        metrics=per_run("results/{experiment}/runs/{run}/metrics.json"),
        per_class=per_run("results/{experiment}/runs/{run}/per_class.csv"),
        points=tables_per_run("operating_points", "calibration"),
        resamples=per_run("results/{experiment}/runs/{run}/resamples.npz"),
        breakdowns=tables_per_run("error_kinds", "by_size", "by_group"),
        records=per_run("results/{experiment}/runs/{run}/record.json"),
        history=per_trained("results/{experiment}/history/{run}.csv"),
        predictions=per_run("results/{experiment}/runs/{run}/predictions/test.json"),
        speed=per_trained("results/{experiment}/runs/{run}/speed.json"),
        weights=per_trained("results/{experiment}/runs/{run}/weights.pt"),
        probes=probe_files(".json"),
        sets=dataset_files,
        studies=study_files,
        choices=choice_files("start", "weights", "verdict"),
        quality=lambda w: planned(w).quality(),
    output:
        pdf=shareable_report(
            "results/{experiment}/report.pdf",
            caption="../report/pdf.rst",
            category="{experiment}",
            subcategory="Report",
        ),
        html=report(
            "results/{experiment}/report.html",
            caption="../report/page.rst",
            category="{experiment}",
            subcategory="Report",
        ),
        metrics="results/{experiment}/metrics.json",
        comparison=report(
            "results/{experiment}/comparison.csv",
            caption="../report/comparison.rst",
            category="{experiment}",
            subcategory="Tables",
        ),
        runs=report(
            "results/{experiment}/runs.csv",
            caption="../report/runs.rst",
            category="{experiment}",
            subcategory="Tables",
        ),
        markdown="results/{experiment}/comparison.md",
        latex="results/{experiment}/comparison.tex",
        answer="results/{experiment}/answer.txt",
        history_plot="results/{experiment}/plots/history.csv",
        calibration_plot="results/{experiment}/plots/calibration.csv",
        classes_plot="results/{experiment}/plots/classes.csv",
        confusion_plot="results/{experiment}/plots/confusion.csv",
        winner="results/{experiment}/winner.pt",
        facts="results/{experiment}/winner.json",
        card="results/{experiment}/winner.md",
    log:
        "logs/{experiment}/report.log",
    benchmark:
        "logs/{experiment}/report.tsv"
    localrule: True
    conda:
        "../envs/fairtrial.yaml"
    params:
        settings=lambda w: settings("report", experiment=w.experiment),
        code=lambda w: PLAN.code("report", experiment=w.experiment),
    shell:
        "fairtrial report"
        " --made results/{wildcards.experiment}/made/report.json"
        " --job-code {params.code}"
        " --settings {params.settings:q}"
        " --results results/{wildcards.experiment}"
        " --data data"
        " --figures {input.figures:q}"
        " --pictures {input.pictures:q}"
        " --pdf {output.pdf:q}"
        " --html {output.html:q}"
        " --metrics {output.metrics:q}"
        " --comparison {output.comparison:q}"
        " --runs {output.runs:q}"
        " --markdown {output.markdown:q}"
        " --latex {output.latex:q}"
        " --answer {output.answer:q}"
        " --history-plot {output.history_plot:q}"
        " --calibration-plot {output.calibration_plot:q}"
        " --classes-plot {output.classes_plot:q}"
        " --confusion-plot {output.confusion_plot:q}"
        " --winner {output.winner:q}"
        " --facts {output.facts:q}"
        " --card {output.card:q}"
        " > {log:q} 2>&1"
