package conf

import _ "embed" // For example.yaml.

//go:embed example.yaml
var example string

// Example is the commented sample file. Its values are the defaults, and its users
// are for the operator to write.
func Example() string { return example }
