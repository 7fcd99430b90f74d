"""The formats of annotations: one module each.

A format has `Settings` (a closed model of `options:` in config/sources/<name>.yaml) and
`read(folder, options) -> (Dataset, defects)`: every image that the annotations name, with
`file_name` relative to `folder`, the width and height that they state (0 if they state
none) and boxes as written, however broken; and the defects that only the reader sees, each
with the `file_name` of its image. `convert` checks all of these against the image files, so
that every format is repaired by the same code.
A format may have `write(data, folder)`, the opposite: it fills an empty folder and returns
the options with which `read` reads it. `WRITES` is then the task of the sets that it takes, and
`LOSES` what of them it cannot hold.
A format has `recognise(listing) -> Likeness | None`, by which `fairtrial new` finds the options
that read a folder.
To add a format, add a module. A leading underscore marks a module that serves others:

_coco_recognition   how COCO JSON is recognised
_coco_values        numbers, boxes and segments of COCO JSON
_ignored            regions that count neither way
_labelled_images    from images with labels in words to a set
_names              groups, label files and exported names, from the names of files
_numbers            numbers as text
_readings           how a format reads boxes
_recognition        the listing of a folder, and what a format recognises in it
_sources            a whole source, as its settings say
_split_folders      splits by the folders of images
_split_sources      a folder for each split that has all of its own
_table_recognition  which column of a table holds what
_tables             tables in text files
_unread             how every format says what it cannot take
_voc_files          the files of Pascal VOC
_voc_recognition    how Pascal VOC is recognised
_voc_writing        the XML of Pascal VOC
_yolo_labels        where the text files of YOLO lie, and what a line holds
_yolo_recognition   how YOLO is recognised
_yolo_yaml          classes and places of YOLO
"""
