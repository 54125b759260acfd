package webhook

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// resolve returns the node that an alias stands for.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// pair is one member of an object.
type pair struct{ key, value *yaml.Node }

// maxMerges is how deep merges are followed: an object may merge one that merges another, and even itself.
const maxMerges = 3

// members returns the members of an object, and behind them those that it merges (<<) and does not
// have itself. depth is the number of merges that led to it; 0 at first.
//
// Source: https://yaml.org/type/merge.html
func members(n *yaml.Node, depth int) []pair {
	var all, merged []pair
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], resolve(n.Content[i+1])
		if key.Tag != "!!merge" || depth == maxMerges {
			all = append(all, pair{key, value})
			continue
		}
		for _, from := range objects(value) {
			merged = append(merged, members(from, depth+1)...)
		}
	}
	for _, m := range merged {
		if !slices.ContainsFunc(all, func(p pair) bool { return p.key.Value == m.key.Value }) {
			all = append(all, m)
		}
	}
	return all
}

// objects returns the objects that a merge names: one, or a list of them.
func objects(n *yaml.Node) (list []*yaml.Node) {
	if n.Kind == yaml.MappingNode {
		return []*yaml.Node{n}
	}
	for _, one := range n.Content {
		if one = resolve(one); one.Kind == yaml.MappingNode {
			list = append(list, one)
		}
	}
	return list
}

// member returns the value of an object's member; nil when there is none, or n is not an object.
func member(n *yaml.Node, name string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	for _, m := range members(n, 0) {
		if m.key.Value == name {
			return m.value
		}
	}
	return nil
}
