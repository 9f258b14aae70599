import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const root = fileURLToPath(new URL('.', import.meta.url))

// One script and one style sheet, named by their content; the admin handler writes the HTML around them, because only
// it knows under which path it is mounted.
export default defineConfig({
  root,
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: false,
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: fileURLToPath(new URL('src/main.tsx', import.meta.url)),
      // What a server loads at the start: nothing that the page uses needs it.
      treeshake: { moduleSideEffects: (id) => !id.includes('/src/runtime/') },
      output: {
        entryFileNames: 'app-[hash].js',
        assetFileNames: 'app-[hash][extname]',
        codeSplitting: false,
      },
    },
  },
})
