"""Images and what is on them, from a raw label to train, val and test.

dataset      the one interchange: images, annotations, categories; a data set with its splits
imagefile    one image: its size, its pixels, what is wrong with it
packed_dataset  a source whose images come as arrays
boxes        one box: in its image, or repaired, or dropped
defects      every kind of defect, and what is done about it
defect_actions  what a source has chosen to be done
repair       the annotations of a source, without what is broken
quality      quality.json: what is in a source, and which defects were found
duplicates   duplicates.json: which images show the same, and which only look alike
duplicate_search  how they are found
union_find   sets of numbers that are united pair by pair
selection    which classes of a source a data set has, and under which names
splitting    which image is in train, val, test or fold
balance      fewer images of the frequent classes in train
leaks        what is in two splits and must not be
summary      images and objects of a split, by class
certificate  split.json: how the split was made, and what it holds
split_dataset  a data set read from its files, with its splits
"""
