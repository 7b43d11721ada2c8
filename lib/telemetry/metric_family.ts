/**
 * One metric and its children, one child per combination of label values. The number of combinations
 * is bounded, so that nothing a peer sends can grow the registry without end.
 *
 * @module
 */

/** Label combinations of one metric where nothing else is said. */
export const LABEL_COMBINATIONS_MAX = 500;
/** Longest label value kept, UTF-16 units; the rest is cut off. */
export const LABEL_VALUE_CHARS_MAX = 128;
/** The value every label gets once a metric has no room for another combination. */
export const OVERFLOW_LABEL = "other";

/** A value for each label of a metric. */
export type Labels<L extends string> = Readonly<Record<L, string>>;

/** What every metric is declared with. */
export interface MetricOptions<L extends string> {
  /** `[a-zA-Z_:][a-zA-Z0-9_:]*`, with its unit: `sluice_request_duration_seconds`. */
  readonly name: string;
  /** One sentence for whoever reads the exposition. */
  readonly help: string;
  /** Label names, in the order in which they are shown. None when absent. */
  readonly labels?: readonly L[];
  /** Combinations kept before everything new goes to `other`; {@link LABEL_COMBINATIONS_MAX} when absent. */
  readonly combinationsMax?: number;
}

/** A child of a family knows the label values it stands for, in the order of the family's labels. */
export interface MetricChild {
  readonly labelValues: readonly string[];
}

/** Inner node: label value to the next label's node, or to the child after the last label. */
type Node<Child> = Map<string, Node<Child> | Child>;

/** Base of counters, gauges and histograms: finds or makes the child of a combination of label values. */
export abstract class MetricFamily<L extends string, Child extends MetricChild> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
  readonly combinationsMax: number;
  readonly #root: Node<Child> = new Map();
  readonly #children: Child[] = [];
  readonly #onOverflow: () => void;

  /** @param onOverflow called for every lookup that was sent to the `other` child */
  constructor(options: MetricOptions<L>, onOverflow: () => void) {
    this.name = options.name;
    this.help = options.help;
    this.labels = [...(options.labels ?? [])];
    this.combinationsMax = options.combinationsMax ?? LABEL_COMBINATIONS_MAX;
    this.#onOverflow = onOverflow;
  }

  protected abstract create(labelValues: readonly string[]): Child;

  /**
   * The child for these label values (`{}` for a metric without labels). Look it up once and keep it
   * where the label values are known beforehand; updating a kept child is a plain field update.
   *
   * Nested maps instead of one joined key: no string is built, and no value can imitate a separator.
   */
  with(labels: Labels<L>): Child {
    if (this.labels.length === 0) return this.#children[0] ?? this.#insert([]);
    let node: Node<Child> | Child = this.#root;
    for (const label of this.labels) {
      const next: Node<Child> | Child | undefined = (node as Node<Child>).get(labels[label]);
      if (next === undefined) return this.#findOrInsert(labels);
      node = next;
    }
    return node as Child;
  }

  /** Every child, oldest first. */
  children(): readonly Child[] {
    return this.#children;
  }

  /** Forgets every child, for `collect` callbacks that list what exists now. Kept children are no longer shown. */
  clear(): void {
    this.#root.clear();
    this.#children.length = 0;
  }

  #findOrInsert(labels: Labels<L>): Child {
    const values = this.labels.map((label) => cleanLabelValue(labels[label]));
    const known = this.#find(values);
    if (known !== undefined) return known;
    if (this.#children.length < this.combinationsMax) return this.#insert(values);
    this.#onOverflow();
    const overflow = this.labels.map(() => OVERFLOW_LABEL);
    return this.#find(overflow) ?? this.#insert(overflow);
  }

  #find(values: readonly string[]): Child | undefined {
    let node: Node<Child> | Child | undefined = this.#root;
    for (const value of values) {
      node = (node as Node<Child>).get(value);
      if (node === undefined) return undefined;
    }
    return node as Child;
  }

  #insert(values: readonly string[]): Child {
    const child = this.create(values);
    this.#children.push(child);
    let node = this.#root;
    values.forEach((value, index) => {
      if (index === values.length - 1) {
        node.set(value, child);
        return;
      }
      let next = node.get(value) as Node<Child> | undefined;
      if (next === undefined) {
        next = new Map();
        node.set(value, next);
      }
      node = next;
    });
    return child;
  }
}

/** Lone surrogates become U+FFFD here: as UTF-8 two different ones would turn into one series shown twice. */
function cleanLabelValue(value: string): string {
  return String(value).slice(0, LABEL_VALUE_CHARS_MAX).toWellFormed();
}
