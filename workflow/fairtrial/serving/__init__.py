"""A model behind HTTP: `fairtrial serve`, and `detect --server`, which asks it.

- limits: what a server takes on
- guard: refuses requests before they cost anything
- connections: ends those that only wait
- uploads: from the body of a request to a file, an image or a video
- batching: images of several requests go through the model together
- answers: what is said of an upload, as JSON or drawn
- app: the addresses of the server
- pages: what a browser shows: a page to drop an image on, and the description of the API
- client: a model that is asked over HTTP
"""
