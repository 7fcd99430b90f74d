"""The report: what is better, by how much, and whether that is more than noise.

content    all data of the PDF, put together from the parts below
answer     which configuration is best, by how much, and whether that would hold; from
           standing (who is better, worse, not told apart), headline and details
comparison_part  the table of page one, with signs at every metric
wording    how numbers, intervals and verdicts are written
limits     what the results cannot say; reproduction, claim: how to make them again, a checklist
glyphs     characters that no font has
cautions   warnings: leaks, unequal code, versions, hardware; with them
           leaks, small_sets, doubtful_runs with falling_metrics
origins    results of other experiments with which runs begin
data       data sets: contents, splits, defects
search     hyperparameter searches
by_settings  of these parts those on single settings and on what was tried beside
sweeps     one parameter at a time
factors    factors of a grid
probes     scores on train, and at other image sizes
across_datasets  mean ranks and gaps over several data sets
learning_curve  would more training images help
operating_points  what is found at a precision, a recall or a rate of false alarms
calibration  how far confidence and correctness lie apart
repeats    spread over seeds, and replicates
cost       sizes, times, Pareto fronts
batch_costs  time, memory and energy of several images at once
tables     the tables as CSV
paper_tables  the table of page one as Markdown and LaTeX
html       the page: page/ and the data of page_data, page_tables, forest and image_browser,
           whose form is in browser_parts
data_page  the page of the data report; page_parts: what both have in common
dvc_files  what DVC shows: metrics, tables of plots
winner     the run whose weights are handed on, and by which verdict
card       what is known of it; card_text: the same as Markdown, with the Hub's front matter
pdf        template/ and the data compiled by Typst

Each section of the PDF is a file in template/sections; they are printed in the order of their
names.
"""
