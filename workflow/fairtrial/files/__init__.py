"""How anything is read and written: whole or not at all, and never outside its folder.

folders     whole files and folders; names that may not leave theirs
jsonfile    JSON of any size, in one form
modelfile   the JSON files of fairtrial as typed models, with errors that name file and key
yamlfile    YAML files as closed models, whose errors name file, key and nearest valid name
packed      many small images in one file
checksums   SHA-256 of files, and manifests of them
text        numbers as people read them
threads     one function over many things, in order
"""
