"""Models in use: no data set, no experiment and no results folder is needed, and for an exported
file no torch.

- metadata: what an exported file says of itself
- preparation: from an image to the network's input
- scaling: as OpenCV scales, without OpenCV
- suppression: of boxes that overlap, the strongest stays
- anchors: RetinaNet's output, which shifts anchors
- outputs: from the network's output to detections or probabilities
- runtimes: an exported file as a network
- model: a network with what stands before and behind it
- images: what a person names: files, folders, globs, archives, addresses
- video: frames of a video, and an mp4 that browsers play
- detecting: images and videos through a model, into tables and pictures
- drawing: boxes and labels on pixels
- tables: predictions as JSON, CSV, COCO's results list and YOLO's text files
- exporting: a network of torch as an exported file
- comparison: what an export costs, measured on images with ground truth
"""
