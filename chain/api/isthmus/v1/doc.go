// Package isthmusv1 is the generated form of the API's protobuf schema. Only
// chain/api imports it; everything else calls chain/api, which decodes and bounds.
package isthmusv1
