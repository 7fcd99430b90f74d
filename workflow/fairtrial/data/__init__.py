"""Images and what is on them, from a raw label to the sides of a split.

dataset      the one interchange: images, annotations, categories; a view of them with its split
imagefile    one image: its size, its pixels, what is wrong with it
packed_dataset  a source whose images come as arrays
boxes        one box: in its image, or mended, or dropped
defects      every kind of defect, and what is done about it
defect_actions  what a source has chosen to be done
repair       the annotations of a source, without what is broken
duplicates   which images show the same, and which only look alike
union_find   what must stay on one side
selection    which classes of a source a data set has, and under which names
splitting    which image lies in train, val, test or fold
balance      fewer images of the frequent classes in train
leaks        what lies on two sides
certificate  split.json: how the split was made, and what it holds
"""
