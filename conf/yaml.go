package conf

import (
	"bytes"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// reader turns YAML into nodes. Anchors, aliases, merge keys and tags are refused:
// a configuration of one page needs none, and each would make it less clear where
// a value comes from.
type reader struct {
	file string
	*report
}

// read returns the content of the file; nil if that is not known for mistakes.
func (r reader) read(content []byte) *node {
	start := place{r.file, 1, 1}
	// Windows editors begin a file with a byte order mark.
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) {
		r.wrong(start, "", "is not UTF-8", "save it as UTF-8 text")
		return nil
	}
	file, err := parser.ParseBytes(content, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		r.syntax(content, err)
		return nil
	}
	var roots []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.DirectiveType {
			roots = append(roots, doc.Body)
		}
	}
	if len(roots) == 0 {
		return &node{kind: null, at: start}
	}
	for _, second := range roots[1:] {
		r.wrong(r.node(second, start).at, "", "is a second document", "keep one document in the file, without a line of ---")
	}
	root := r.node(roots[0], start)
	if root.kind == scalar || root.kind == sequence {
		r.wrong(root.at, "", "is "+root.kind.String()+" where keys belong", "write sections such as ftp: and users:; natftpd config example prints a whole file")
		return nil
	}
	return root
}

// syntax notes a mistake that keeps the file from being understood at all. A tab
// is the usual one, and the parser's word for it is hard to understand.
func (r reader) syntax(content []byte, err error) {
	tabs := false
	for i, line := range strings.Split(string(content), "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if at := strings.IndexByte(indent, '\t'); at >= 0 && indent != line {
			tabs = true
			r.wrong(place{r.file, i + 1, at + 1}, "", "is a tab in the indentation", "indent with spaces")
		}
	}
	if tabs {
		return
	}
	at, message := place{r.file, 1, 1}, err.Error()
	var e yaml.Error
	if errors.As(err, &e) {
		message = e.GetMessage()
		if tk := e.GetToken(); tk != nil && tk.Position != nil {
			at = place{r.file, tk.Position.Line, tk.Position.Column}
		}
	}
	r.wrong(at, "", "is not YAML: "+message, "mind the indentation, the space behind each colon, and quotes around texts with special characters")
}

// node translates n. at is where a value that was left out belongs.
func (r reader) node(n ast.Node, at place) *node {
	if n == nil || n.Type() == ast.NullType {
		return &node{kind: null, at: at}
	}
	at = r.place(n)
	switch n := n.(type) {
	case *ast.MappingNode:
		return r.mapping(at, n.Values)
	case *ast.MappingValueNode:
		return r.mapping(at, []*ast.MappingValueNode{n})
	case *ast.SequenceNode:
		list := &node{kind: sequence, at: at}
		for _, item := range n.Values {
			list.items = append(list.items, r.node(item, r.place(item)))
		}
		return list
	case *ast.LiteralNode:
		return &node{kind: scalar, text: n.Value.Value, at: at}
	case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return &node{kind: scalar, text: n.GetToken().Value, at: at}
	default:
		r.wrong(at, "", "is YAML that is not used here ("+n.Type().YAMLName()+")", "write the value itself, without & * ! or <<")
		return &node{kind: unknown, at: at}
	}
}

func (r reader) mapping(at place, values []*ast.MappingValueNode) *node {
	m := &node{kind: mapping, at: at}
	for i, v := range values {
		keyAt := r.place(v.Key)
		if i == 0 && keyAt.line > 0 {
			m.at = keyAt
		}
		switch v.Key.(type) {
		case *ast.StringNode, *ast.IntegerNode, *ast.BoolNode, *ast.FloatNode, *ast.NullNode:
			m.pairs = append(m.pairs, pair{key: v.Key.GetToken().Value, at: keyAt, value: r.node(v.Value, keyAt)})
		default:
			r.wrong(keyAt, "", "is no plain key", "write key: value")
		}
	}
	return m
}

func (r reader) place(n ast.Node) place {
	if n != nil {
		if tk := n.GetToken(); tk != nil && tk.Position != nil {
			return place{r.file, tk.Position.Line, tk.Position.Column}
		}
	}
	return place{r.file, 1, 1}
}
