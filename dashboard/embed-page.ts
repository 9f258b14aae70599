import { readPageAssets } from '../src/admin/page/page-assets.ts'

/**
 * Puts the built page into the package as a constant in the place of the module that reads it from the disk: so it is
 * there in ESM and CommonJS, and after bundling the application.
 */
export function embedPage() {
  return {
    name: 'embed-page',
    load: {
      filter: { id: /[\\/]src[\\/]admin[\\/]page[\\/]page-assets\.ts$/ },
      handler() {
        const assets = readPageAssets()
        if (assets === undefined) throw new Error('The page is not built: run `npm run build:page` first.')
        return `const assets = ${JSON.stringify(assets)}\nexport function readPageAssets() { return assets }\n`
      },
    },
  }
}
