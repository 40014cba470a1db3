export default { input: "./generated/openapi.json", output: { path: "generated/sdk", importFileExtension: ".js" } };
