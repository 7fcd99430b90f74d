"""Images and what is on them, from a raw label to train, val and test.

dataset      the interchange format: images, annotations, categories; a data set with its splits
names        what names a class, a group or a thing; flags
raw_files    which files of a raw folder are images, and which are left out
raw_folder   the raw files of a source, checked against its manifest
unlabelled   images without labels, which can be predicted and not scored
imagefile    one image file: its size, its pixels, its defects, its clean copy
clean_images  the clean image files of a source
packed_dataset  a source whose images come as arrays
box_reading  how a format reads boxes, and what has them read in another unit
box_units    whether all boxes look as if written in another unit
boxes        one box: turned with its image, and fitted into it
defects      every kind of defect, and what can be done about it
defect_actions  which action a source takes for each kind of defect
losses       what of a source is left out, and how much may be
objects      what counts as an object; boxes that are nearly one
repair       the annotations of a source, fitted to its clean images
source_ids   source_ids.json: how a source itself names images and classes
quality      quality.json: what is in a source, and which defects were found
duplicates   duplicates.json: which images are copies of one picture, and which look alike
duplicate_search  the search for duplicates
picture_hashes  hashes of pictures, and the pairs of close ones
versions     augmented versions of a picture, known by their names
copies       the copies among the clean images of a source
contradictions  copies of one picture whose labels contradict each other
union_find   sets of numbers that are united pair by pair
selection    which classes of a source a data set has, and under which names
splitting    which image is in train, val, test or fold
balance      undersampling of train
train_share  a share of train, its units kept whole
leaks        images in one split whose copy or group is in another
summary      images and objects of a split, by class
ground_truth  the hash by which equal ground truths are known
units        images that are no independent observations of each other
usable       whether splits can be trained and scored on
certificate  split.json: how the split was made, and what it holds
split_dataset  a data set read from its files, with its splits
seen_images  whether images are still those that convert wrote
"""
