"""Finished runs put together: the numbers behind every figure and page of the report.

run            the files of one run
breakdowns     its errors by kind, metrics by size and group, curves by class
csv_files      CSV files as tables
dataset        the data set of a run
data_differences  what two data sets differ in, by more than chance
configuration  runs that differ in their seed alone
experiment     all runs of an experiment, and the comparisons between them
leaks          configurations that learned from val
best_on_val    the best configuration of an experiment, for others to begin with
significance   how far the best configuration lies above others, and whether by more than chance
across_datasets  configurations that ran on several data sets: mean ranks and gaps
probes         the files of probes: scores on train, and at other image sizes
on_train       scores on the images that the models learned from
image_sizes    the same weights at several image sizes, with their times
factors        what each factor of a grid does on average
learning_curve  configurations that differ in their share of train alone
operating_points  what is found at a precision, a recall or a rate of false alarms
confusions     what is taken for what
calibration    confidence against the share that is right
sweeps         configurations that differ in one setting alone
costs          size and time against the metric that ranks
study          the files of a hyperparameter search
manifest       figures.json: the figures that were drawn
page_pictures  pictures.json: small images for the page
image_outcomes what runs made of each image, and which images tell most
telling_images the same of any split, with the reason for each
marked_boxes   the boxes of an image, right or with the kind of their error
"""
