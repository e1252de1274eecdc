"""Other people's products, with result handlers in them: a module for each product, which imports it.

An adapter takes any handler that conforms to :class:`resultspec.ResultHandler`, or makes one of another library's store. Each
has an extra of its own, named as the module is.
"""
