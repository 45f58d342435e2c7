// Package statemachines holds the platform's own machines and the example
// bundles, for the programs that need them wherever they are started.
package statemachines

import "embed"

// Delivery is the machine that await: none starts.
//
//go:embed delivery.asl.json
var Delivery string

// Examples are the example bundles, each a folder below "examples".
//
//go:embed all:examples
var Examples embed.FS
