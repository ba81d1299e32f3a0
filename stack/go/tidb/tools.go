//go:build tools

// Package tools pins the TiDB server that the stack builds.
package tools

import _ "github.com/pingcap/tidb/cmd/tidb-server"
