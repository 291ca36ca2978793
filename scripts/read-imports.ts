import { Visitor, parseSync, type Program, type StringLiteral } from 'oxc-parser';

/** One place where a file names another module. */
export interface ImportEdge {
  readonly specifier: string;
  readonly line: number;
  readonly kind: 'import' | 'export' | 'dynamic import' | 'import type' | 'require' | 'URL';
  /** Erased when types are: it cannot load anything. */
  readonly typeOnly: boolean;
}

/** An import whose specifier is put together from pieces, so that nobody can check where it goes. */
const COMPUTED = '(computed)';

/**
 * Every module a source names: static and type-only imports, re-exports, dynamic imports, `import('…')` types, `require`,
 * and `new URL('./x.ts', import.meta.url)` as workers are started.
 *
 * @throws SyntaxError naming the file, where it cannot be parsed: what cannot be read cannot be passed
 */
export function readImports(file: string, source: string): ImportEdge[] {
  const { program, errors } = parseSync(file, source);
  const failure = errors[0];
  if (failure !== undefined) throw new SyntaxError(`${file}: ${failure.message}`);
  const edges: ImportEdge[] = [];
  const add = (node: { readonly start: number }, specifier: string, kind: ImportEdge['kind'], typeOnly: boolean): void => {
    edges.push({ specifier, line: source.slice(0, node.start).split('\n').length, kind, typeOnly });
  };
  visit(program, add);
  return edges.filter((edge) => edge.specifier !== COMPUTED || edge.kind === 'dynamic import');
}

type Add = (node: { readonly start: number }, specifier: string, kind: ImportEdge['kind'], typeOnly: boolean) => void;

function visit(program: Program, add: Add): void {
  new Visitor({
    ImportDeclaration: (node) => {
      const named = node.specifiers;
      const allTypes = named.length > 0 && named.every((each) => each.type === 'ImportSpecifier' && each.importKind === 'type');
      add(node, node.source.value, 'import', node.importKind === 'type' || allTypes);
    },
    ExportAllDeclaration: (node) => add(node, node.source.value, 'export', node.exportKind === 'type'),
    ExportNamedDeclaration: (node) => {
      if (node.source === null) return;
      const allTypes = node.specifiers.length > 0 && node.specifiers.every((each) => each.exportKind === 'type');
      add(node, node.source.value, 'export', node.exportKind === 'type' || allTypes);
    },
    ImportExpression: (node) => {
      const specifier = textOf(node.source);
      if (specifier !== undefined) add(node, specifier, 'dynamic import', false);
      else if (isRelativeTemplate(node.source)) add(node, COMPUTED, 'dynamic import', false);
    },
    TSImportType: (node) => add(node, node.source.value, 'import type', true),
    TSImportEqualsDeclaration: (node) => {
      if (node.moduleReference.type === 'TSExternalModuleReference') add(node, node.moduleReference.expression.value, 'require', node.importKind === 'type');
    },
    CallExpression: (node) => {
      const specifier = node.callee.type === 'Identifier' && node.callee.name === 'require' ? textOf(node.arguments[0]) : undefined;
      if (specifier !== undefined) add(node, specifier, 'require', false);
    },
    NewExpression: (node) => {
      const specifier = node.callee.type === 'Identifier' && node.callee.name === 'URL' ? textOf(node.arguments[0]) : undefined;
      if (specifier !== undefined && /^\.{1,2}\/.*\.[cm]?[jt]s$/.test(specifier)) add(node, specifier, 'URL', false);
    },
  }).visit(program);
}

type Expression = { readonly type: string } | undefined;

function textOf(node: Expression): string | undefined {
  if (node?.type === 'Literal' && typeof (node as StringLiteral).value === 'string') return (node as StringLiteral).value;
  if (node?.type === 'TemplateLiteral') {
    const { quasis } = node as unknown as { readonly quasis: readonly { readonly value: { readonly cooked: string | null } }[] };
    return quasis.length === 1 ? (quasis[0]?.value.cooked ?? undefined) : undefined;
  }
  return undefined;
}

function isRelativeTemplate(node: Expression): boolean {
  if (node?.type !== 'TemplateLiteral') return false;
  const { quasis } = node as unknown as { readonly quasis: readonly { readonly value: { readonly cooked: string | null } }[] };
  return quasis[0]?.value.cooked?.startsWith('.') === true;
}
