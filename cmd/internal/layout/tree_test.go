package layout

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

const modulePath = "github.com/picketd/picket"

// rooms returns the folders that hold Go, in the direction of the data: each
// imports only itself and those before it.
func rooms() []string {
	return []string{"collectors", "rules", "detector", "alerting", "cmd"}
}

// topLevel returns everything that may lie at the root of the repository.
func topLevel() []string {
	return append(rooms(),
		"deploy",
		".ci", ".git", ".gitignore", ".golangci.yml",
		"CHANGELOG.md", "LICENSE", "README.md",
		"go.mod", "go.sum",
	)
}

// file is one parsed Go file.
type file struct {
	path string
	dir  string
	room string
	test bool
	ast  *ast.File
}

// tree is what the checks look at.
type tree struct {
	fset     *token.FileSet
	top      []string // names at the root that git does not ignore
	files    []file
	unparsed []string // syntax faults
}

// read walks the repository below fsys. Folders named testdata and hidden ones
// hold no source of ours.
func read(fsys fs.FS) (*tree, error) {
	t := &tree{fset: token.NewFileSet()}
	ignored, err := ignoredAtRoot(fsys)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		atRoot := !strings.Contains(name, "/")
		if atRoot && ignored(name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if atRoot {
			t.top = append(t.top, name)
		}
		if entry.IsDir() {
			if entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) == ".go" && !atRoot {
			return t.parse(fsys, name)
		}
		return nil
	})
	return t, err
}

func (t *tree) parse(fsys fs.FS, name string) error {
	src, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	parsed, err := parser.ParseFile(t.fset, name, src, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.unparsed = append(t.unparsed, err.Error())
		return nil
	}
	room, _, _ := strings.Cut(name, "/")
	t.files = append(t.files, file{
		path: name,
		dir:  path.Dir(name),
		room: room,
		test: strings.HasSuffix(name, "_test.go"),
		ast:  parsed,
	})
	return nil
}

// ignoredAtRoot reads the anchored and the glob lines of .gitignore, as far as
// they name something at the root.
func ignoredAtRoot(fsys fs.FS) (func(name string) bool, error) {
	src, err := fs.ReadFile(fsys, ".gitignore")
	if err != nil {
		return nil, fmt.Errorf("what git ignores is not part of the layout: %w", err)
	}
	var patterns []string
	for line := range strings.Lines(string(src)) {
		line = strings.Trim(strings.TrimSpace(line), "/")
		if line != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, line)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			ok, err := path.Match(pattern, name)
			return ok && err == nil
		})
	}, nil
}

// faults lists every broken promise, in the order of the checks and files.
func (t *tree) faults() []string {
	all := slices.Clone(t.unparsed)
	known := topLevel()
	for _, name := range t.top {
		if !slices.Contains(known, name) {
			all = append(all, name+": not one of the top-level files and folders of the design")
		}
	}
	for _, f := range t.files {
		// A new top-level folder has been told above.
		if slices.Contains(known, f.room) {
			all = append(all, t.inFile(f)...)
		}
	}
	return append(all, t.uncommented()...)
}

func (t *tree) inFile(f file) []string {
	if !slices.Contains(rooms(), f.room) {
		return []string{f.path + ": Go files belong in collectors, rules, detector, alerting or cmd"}
	}
	return slices.Concat(t.imports(f), t.clock(f), t.inits(f))
}

// imports checks the direction of the data flow.
func (t *tree) imports(f file) []string {
	var faults []string
	allowed := rooms()[:slices.Index(rooms(), f.room)+1]
	for _, spec := range f.ast.Imports {
		name := importPath(spec)
		own, ours := strings.CutPrefix(name, modulePath+"/")
		room, _, _ := strings.Cut(own, "/")
		var why string
		switch {
		case f.dir == "collectors/activity" && !f.test && (ours || !inLibrary(name)):
			why = "the shared type imports only the standard library"
		case !ours:
		case !slices.Contains(allowed, room):
			why = f.room + " may import only " + strings.Join(allowed, ", ")
		case f.test && own == "collectors/activity/recordedtest":
		case room == "collectors" && f.room != "collectors" && f.room != "cmd" && own != "collectors/activity":
			why = "outside collectors and cmd only collectors/activity may be imported of collectors"
		}
		if why != "" {
			shown := name
			if ours {
				shown = own
			}
			faults = append(faults, fmt.Sprintf("%s: imports %s: %s", t.at(spec), shown, why))
		}
	}
	return faults
}

// clock checks that what must replay exactly reads no clock.
func (t *tree) clock(f file) []string {
	reads := map[string]string{"rules": "rules read", "detector": "detector reads"}[f.room]
	if reads == "" || f.test {
		return nil
	}
	local := ""
	for _, spec := range f.ast.Imports {
		if importPath(spec) != "time" {
			continue
		}
		local = "time"
		if spec.Name != nil {
			local = spec.Name.Name
		}
		if local == "." {
			return []string{t.at(spec) + ": imports time with a dot, which hides the clock"}
		}
	}
	if local == "" {
		return nil
	}
	clocks := []string{"Now", "Since", "Until", "After", "AfterFunc", "Tick", "NewTicker", "NewTimer", "Sleep"}
	var faults []string
	ast.Inspect(f.ast, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		pkg, ok := selector.X.(*ast.Ident)
		if ok && pkg.Name == local && slices.Contains(clocks, selector.Sel.Name) {
			faults = append(faults, fmt.Sprintf("%s: time.%s: %s no clock, time is an argument", t.at(n), selector.Sel.Name, reads))
		}
		return true
	})
	return faults
}

// inits checks that importing a package does nothing.
func (t *tree) inits(f file) []string {
	var faults []string
	for _, decl := range f.ast.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if ok && fn.Recv == nil && fn.Name.Name == "init" {
			faults = append(faults, t.at(fn)+": func init: nothing happens at import, pass it in instead")
		}
	}
	return faults
}

// uncommented lists the packages whose room nobody names. The comment of an
// external test package is that of the package it tests.
func (t *tree) uncommented() []string {
	type pkg struct{ dir, name string }
	commented := map[pkg]bool{}
	var order []pkg
	for _, f := range t.files {
		p := pkg{f.dir, strings.TrimSuffix(f.ast.Name.Name, "_test")}
		if _, seen := commented[p]; !seen {
			commented[p] = false
			order = append(order, p)
		}
		text := f.ast.Doc.Text()
		if strings.HasPrefix(text, "Package "+p.name+" ") || p.name == "main" && strings.HasPrefix(text, "Command ") {
			commented[p] = true
		}
	}
	var faults []string
	for _, p := range order {
		if !commented[p] && slices.Contains(rooms(), strings.Split(p.dir, "/")[0]) {
			faults = append(faults, fmt.Sprintf("%s: package %s has no package comment", p.dir, p.name))
		}
	}
	return faults
}

// at is path:line of a node.
func (t *tree) at(n ast.Node) string {
	p := t.fset.Position(n.Pos())
	return fmt.Sprintf("%s:%d", p.Filename, p.Line)
}

func importPath(spec *ast.ImportSpec) string {
	name, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return spec.Path.Value
	}
	return name
}

// inLibrary tells the standard library's import paths, whose first element has
// no dot, from a module's.
func inLibrary(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return !strings.Contains(first, ".")
}
