"""What a program is: dtypes, shapes, the graph and its operations, scopes, collections, the op registry, GraphDef."""
